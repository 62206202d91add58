"""The wheel in a bare virtual environment: no ROS 2, no source step, no source tree."""

import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    sys.prefix == sys.base_prefix or '/opt/ros' in os.environ.get('AMENT_PREFIX_PATH', ''),
    reason='tests `pip install`, which is for machines without ROS 2',
)
#: What a wheel is built from.
PARTS = ('face_perception', 'msg', 'launch', 'config', 'models', 'scripts', 'cmake')
PARTS += ('CMakeLists.txt', 'package.xml', 'pyproject.toml', 'setup.py', 'README.md', 'LICENSE')


def run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=600, **options
    )
    assert done.returncode == 0, f'{command}\n{done.stdout}\n{done.stderr}'
    return done.stdout


@pytest.fixture(scope='module')
def bare(tmp_path_factory):
    """Build the wheel and install it; return the environment's bin/ and its variables."""
    folder = tmp_path_factory.mktemp('install')
    # In a folder whose name is not ASCII, which CMake does not read everywhere.
    source = folder / 'josé'
    source.mkdir()
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    run(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', folder, source)
    (wheel,) = folder.glob('face_perception-*.whl')
    venv.create(folder / 'venv')
    bin_folder = folder / 'venv' / 'bin'
    # The guard would tell the new interpreter that its libraries are found already.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name
        not in (
            '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
            'LD_LIBRARY_PATH',
            'PYTHONPATH',
            'AMENT_PREFIX_PATH',
            'VIRTUAL_ENV',
        )
    }
    run(
        sys.executable,
        '-m',
        'pip',
        '--python',
        bin_folder / 'python',
        'install',
        '--quiet',
        '--no-compile',
        wheel,
        env=environment,
    )
    return bin_folder, environment


def test_messages_models_and_pipeline_work(bare, tmp_path):
    bin_folder, environment = bare
    code = (
        'import numpy, face_perception; from face_perception import FacePipeline; '
        'from face_perception.msg import Face, FaceArray, PipelineLatency; '
        'print(face_perception.__file__); '
        'print(FacePipeline.load()(numpy.zeros((48, 64, 3), numpy.uint8)).faces)'
    )
    output = run(bin_folder / 'python', '-c', code, env=environment, cwd=tmp_path).splitlines()
    assert output[0].startswith(str(bin_folder.parent)) and output[1] == '[]'


def test_the_environment_is_an_ament_prefix(bare):
    prefix = bare[0].parent
    for path in (
        'share/ament_index/resource_index/packages/face_perception',
        'share/face_perception/package.xml',
        'share/face_perception/msg/Face.msg',
        'share/face_perception/msg/FaceArray.msg',
        'share/face_perception/msg/PipelineLatency.msg',
        'share/face_perception/launch/face_perception.launch.py',
        'share/face_perception/launch/replay.launch.py',
        'share/face_perception/config/face_perception.yaml',
        'share/face_perception/config/fastdds_large_images.xml',
        'share/face_perception/models/emotion_mini_xception.onnx',
        f'lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/face_perception/py.typed',
        'lib/face_perception/face_perception_annotate',
        'lib/face_perception/face_perception_evaluate',
        'lib/face_perception/face_perception_export',
        'lib/face_perception/face_perception_node',
        'lib/face_perception/face_perception_play',
        'lib/face_perception/face_perception_train',
        'lib/face_perception/face_perception_view',
    ):
        assert (prefix / path).is_file(), path


@pytest.mark.parametrize(
    'program', ['bin/face_perception_node', 'lib/face_perception/face_perception_node']
)
def test_the_node_just_runs(bare, tmp_path, program):
    bin_folder, environment = bare
    environment = {**environment, 'PATH': f'{bin_folder}:{environment["PATH"]}'}
    log_path = tmp_path / 'log'
    with open(log_path, 'w') as log:
        node = subprocess.Popen(
            [bin_folder.parent / program],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + 30
    while 'active: looking for faces' not in log_path.read_text():
        assert node.poll() is None and time.monotonic() < deadline, log_path.read_text()
        time.sleep(0.1)
    node.send_signal(signal.SIGINT)
    assert node.wait(3) == 0 and 'Traceback' not in log_path.read_text()


@pytest.mark.parametrize(
    'tool, option',
    [
        ('face_perception_camera', '--source'),
        ('face_perception_demo', '--source'),
        ('face_perception_play', '--lossless'),
        ('face_perception_view', '--web'),
    ],
)
def test_the_tools_explain_themselves(bare, tmp_path, tool, option):
    bin_folder, environment = bare
    assert option in run(bin_folder / tool, '--help', env=environment, cwd=tmp_path)


def test_without_a_compiler_one_sentence_says_what_to_install(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / 'setup.py', '--version'],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, 'PATH': str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        'face_perception: no C++ compiler was found, and the ROS 2 messages need one: '
        "run 'sudo apt-get install g++' and try again."
    ]
