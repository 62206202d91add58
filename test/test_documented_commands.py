"""What documents have a reader type exists: commands and their options, launch files, targets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]
COMMAND = re.compile(r'face_perception_([a-z]+)((?: [^\s&|#;]+)*)')
#: As a documented command line ends: a comment follows, another command or ROS's own part.
END = re.compile(r'\s#|[&|;]|\s--ros-args')


def lines():
    """Return every line of code in the documents, and every piece of code within a sentence."""
    for page in PAGES:
        text = page.read_text(encoding='utf-8')
        for block in re.findall(r'^```\w*\n(.*?)^```', text, flags=re.DOTALL | re.MULTILINE):
            yield from re.sub(r'\\\n\s*', ' ', block).splitlines()
        yield from re.findall(r'`([^`\n]+)`', re.sub(r'^```.*?^```', '', text, flags=re.S | re.M))


def documented():
    """Return the options that documents give each command."""
    options = {}
    for line in lines():
        for command, rest in COMMAND.findall(END.split(line)[0]):
            options.setdefault(command, set()).update(re.findall(r'(?<= )--[a-z][a-z-]*', rest))
    return options


def sources_of(command):
    """Return the sources of the folder in which a command's program lies."""
    entries = (ROOT / 'face_perception' / 'cli.py').read_text(encoding='utf-8')
    module = re.search(rf"def {command}\(\).+?'(face_perception[.\w]+)'", entries, flags=re.DOTALL)[
        1
    ]
    folder = ROOT.joinpath(*module.split('.')).parent
    return '\n'.join(path.read_text(encoding='utf-8') for path in sorted(folder.rglob('*.py')))


@pytest.mark.parametrize(
    'command', sorted(name for name, options in documented().items() if options)
)
def test_every_option_of_a_command_is_one_of_its_own(command):
    sources = sources_of(command)
    assert [option for option in documented()[command] if f"'{option}'" not in sources] == []


def test_the_documents_name_commands_with_options():
    assert '--output' in documented()['annotate'] and '--live' in documented()['view']


def test_every_launch_file_and_its_arguments_exist():
    found = 0
    for line in lines():
        launched = re.search(r'ros2 launch face_perception (\S+\.py)(.*)', END.split(line)[0])
        if launched:
            text = (ROOT / 'launch' / launched[1]).read_text(encoding='utf-8')
            # What it includes takes the rest.
            text += (ROOT / 'launch' / 'face_perception.launch.py').read_text(encoding='utf-8')
            found += 1
            for name in re.findall(r'(\w+):=', launched[2]):
                assert f"'{name}'" in text, line
    assert found > 3


def test_every_target_of_make_exists():
    targets = set(re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text('utf-8'), re.MULTILINE))
    named = {name for line in lines() for name in re.findall(r'^make ([a-z-]+)', line)}
    assert {'demo', 'test'} <= named <= targets


SCRIPT = re.compile(
    r'python (?:-m (face_perception[.\w]+)|(benchmarks/\w+\.py|test/[\w/]+\.py))((?: [^\s`&|#;]+)*)'
)


def scripts():
    """Return the source of each script and module that is run by `python`, with its options."""
    more = [*(ROOT / 'models').glob('*.md'), *(ROOT / 'benchmarks').glob('*.md')]
    for page in (*PAGES, *more):
        text = re.sub(r'\\\n\s*', ' ', page.read_text(encoding='utf-8'))
        text = text.replace('python -m\n', 'python -m ')
        for module, script, rest in SCRIPT.findall(text):
            path = script or f'{module.replace(".", "/")}.py'
            yield path, re.findall(r'(?<=[ \[])--[a-z][a-z-]*', rest)


def test_every_script_and_its_options_exist():
    # What the programs of a room share.
    shared = (ROOT / 'face_perception' / 'training' / 'options.py').read_text(encoding='utf-8')
    found = list(scripts())
    assert {'benchmarks/node.py', 'face_perception/training/mean_weights.py'} <= {
        path for path, _ in found
    }
    for path, options in found:
        text = (ROOT / path).read_text(encoding='utf-8') + shared
        assert [option for option in options if f"'{option}'" not in text] == [], path


@pytest.mark.parametrize(
    'command',
    [
        ['classifiers.py', 'nowhere.onnx'],
        ['one_call.py', 'nowhere.onnx', 'nowhere.onnx'],
        ['detectors.py', '--data', 'nowhere'],
        ['detectors.py', '--yunet', 'nowhere.onnx'],
        ['detectors.py', '--image', 'nowhere.png'],
        ['portraits.py', 'nowhere.zip', 'out.zip'],
    ],
)
def test_what_a_benchmark_cannot_use_is_told_in_a_sentence(command, tmp_path):
    for needed in ('torch', 'onnx', 'sklearn', 'rich'):
        pytest.importorskip(needed, reason='needs the extra "train"')
    done = subprocess.run(
        [sys.executable, ROOT / 'benchmarks' / command[0], *command[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (1, 2) and 'Traceback' not in done.stderr
    assert 'nowhere' in done.stderr
