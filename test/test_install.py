"""The wheels in bare virtual environments: no ROS 2, no source step, no source tree."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    sys.prefix == sys.base_prefix or '/opt/ros' in os.environ.get('AMENT_PREFIX_PATH', ''),
    reason='tests `pip install`, which is for machines without ROS 2',
)
#: What a wheel is built from.
PARTS = (
    'face_perception',
    'msg',
    'launch',
    'config',
    'models',
    'scripts',
    'cmake',
    'build_backend',
)
PARTS += ('CMakeLists.txt', 'package.xml', 'pyproject.toml', 'setup.py', 'README.md', 'LICENSE')


def run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=600, **options
    )
    assert done.returncode == 0, f'{command}\n{done.stdout}\n{done.stderr}'
    return done.stdout


needs_wheels = pytest.mark.skipif(
    sys.platform != 'linux' or platform.machine() != 'x86_64',
    reason='there are no ROS 2 wheels for this machine',
)


def install(folder, **form):
    """Build the wheel, install it into a new environment; return bin/ and its variables."""
    # In a folder whose name is not ASCII, which CMake does not read everywhere.
    source = folder / 'josé'
    source.mkdir()
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    # What setuptools left there when it built a former version.
    cache = f'lib.linux-x86_64-{sys.implementation.cache_tag}'
    for former in ('lib', cache):
        (source / 'build' / former / 'face_perception').mkdir(parents=True)
        (source / 'build' / former / 'face_perception' / 'gone.py').touch()
    # The guard would tell the new interpreter that its libraries are found already.
    hidden = ('_ROS_WHEELS_BOOTSTRAP_COMPLETE', 'LD_LIBRARY_PATH', 'PYTHONPATH')
    hidden += ('AMENT_PREFIX_PATH', 'VIRTUAL_ENV', 'FACE_PERCEPTION_ROS')
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    pip = (sys.executable, '-m', 'pip')
    run(
        *(*pip, 'wheel', '--quiet', '--no-deps', '-w', folder, source),
        env={**os.environ, 'FACE_PERCEPTION_ROS': '', **form},
    )
    (wheel,) = folder.glob('face_perception-*.whl')
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith('gone.py')]
    venv.create(folder / 'venv')
    python = folder / 'venv' / 'bin' / 'python'
    run(*pip, '--python', python, 'install', '--quiet', '--no-compile', wheel, env=environment)
    return python.parent, environment, wheel


@pytest.fixture(scope='module')
def bare(tmp_path_factory):
    """Return bin/ and the variables of an environment with nothing but the form with ROS 2."""
    return install(tmp_path_factory.mktemp('install'))[:2]


@pytest.fixture(scope='module')
def pure(tmp_path_factory):
    """Return bin/, the variables and the wheel of one with the form without ROS 2."""
    return install(tmp_path_factory.mktemp('pure'), FACE_PERCEPTION_ROS='0')


def test_without_ros_the_wheel_is_for_every_machine(pure):
    wheel = pure[2]
    assert wheel.name.endswith('-py3-none-any.whl')
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith('/METADATA'))
        required = [
            line
            for line in archive.read(metadata).decode().splitlines()
            if line.startswith('Requires-Dist:')
        ]
    assert 'onnxruntime' in str(required)
    assert not [line for line in required if line.startswith('Requires-Dist: ros-')]


def test_without_ros_pipeline_files_and_viewer_work(pure, tmp_path):
    bin_folder, environment, _ = pure
    code = (
        'import numpy; from face_perception import FacePipeline; '
        'from face_perception.core.resources import share_directory; '
        'print(FacePipeline.load()(numpy.zeros((48, 64, 3), numpy.uint8)).faces); '
        'print(share_directory())'
    )
    faces, share = run(bin_folder / 'python', '-c', code, env=environment, cwd=tmp_path).split()
    assert faces == '[]' and Path(share) == bin_folder.parent / 'share' / 'face_perception'
    for path in ('msg/Face.msg', 'config/face_perception.yaml', 'config/training/emotion.yaml'):
        assert (Path(share) / path).is_file()
    help_text = run(bin_folder / 'face_perception_view', '--help', env=environment, cwd=tmp_path)
    assert '--web' in help_text


@pytest.mark.parametrize('tool', ['node', 'camera', 'play', 'demo'])
def test_without_ros_its_programs_say_how_to_get_it(pure, tmp_path, tool):
    bin_folder, environment, _ = pure
    done = subprocess.run(
        [bin_folder / f'face_perception_{tool}', '--help'],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith('error: this program needs ROS 2, and rclpy')
    assert 'FACE_PERCEPTION_ROS=1' in line and 'colcon' in line


@needs_wheels
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


@needs_wheels
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
        'lib/face_perception/face_perception_tune',
        'lib/face_perception/face_perception_view',
    ):
        assert (prefix / path).is_file(), path


@needs_wheels
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
    wait_until(
        lambda: 'active: looking for faces' in log_path.read_text() or node.poll() is not None,
        excuse=log_path.read_text,
    )
    node.send_signal(signal.SIGINT)
    assert node.wait(PATIENCE_S) == 0 and 'Traceback' not in log_path.read_text()


@needs_wheels
@pytest.mark.parametrize(
    'tool, option',
    [
        ('face_perception_camera', '--source'),
        ('face_perception_demo', '--source'),
        ('face_perception_node', '--ros-args'),
        ('face_perception_play', '--lossless'),
        ('face_perception_tune', '--node'),
        ('face_perception_view', '--web'),
    ],
)
def test_the_tools_explain_themselves(bare, tmp_path, tool, option):
    bin_folder, environment = bare
    assert option in run(bin_folder / tool, '--help', env=environment, cwd=tmp_path)


@needs_wheels
def test_without_a_compiler_one_sentence_says_what_to_install(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / 'setup.py', '--version'],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, 'PATH': str(tmp_path), 'FACE_PERCEPTION_ROS': ''},
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        'face_perception: no C++ compiler was found, and the ROS 2 messages need one: '
        "run 'sudo apt-get install g++' and try again, or set FACE_PERCEPTION_ROS=0 to install "
        'without ROS 2.'
    ]
