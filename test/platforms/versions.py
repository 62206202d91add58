"""
Run the tests of the ROS-free part with other versions of Python and of what it depends on.

``python test/platforms/versions.py`` makes an environment per row (nothing of ROS), installs the
row's versions into it, runs the row's tests, and prints the row of docs/platforms.md.
``--rows oldest 1.18`` runs those in whose name one of these patterns is found.  A row called oldest
takes the oldest version that each bound in setup.py and pyproject.toml allows, so that those bounds
are true.
Other Pythons are looked for in ~/.pyenv/versions and on PATH.  Needs uv (``pip install uv``), which
finds the oldest versions and has each of them fetched once.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The shipped files load, and answer as they were pinned.
NETWORKS = ('test/core/test_shipped_outputs.py',)
#: What goes through NumPy and OpenCV.
IMAGES = ('test/core/test_scaling.py', 'test/core/attributes', 'test/core/detectors')
IMAGES += ('test/media/images', 'test/media/messages', 'test/visuals/test_boxes.py')
IMAGES += ('test/media/test_video_writer.py', 'test/media/test_video_files.py')
IMAGES += ('test/offline/outputs/test_anonymize.py',)
#: What reads and writes files.
FILES = ('test/media/bags', 'test/offline/outputs', 'test/offline/test_annotate.py')
FILES += ('test/offline/test_bags.py', 'test/console')
VIEW = ('test/visuals', 'test/offline/outputs/test_rerun_log.py')
#: What the tests themselves are run with; in a row called oldest the extra test says it.
PLAIN = ('pytest', 'pytest-timeout', 'hypothesis', 'onnx', 'rich')
#: For images with a face, and of each encoding.
FACES = ('scikit-image', 'rosbags-image')
TWO = 'numpy==2.4.6'


@dataclass(frozen=True)
class Row:
    """One environment, and the tests that it runs."""

    name: str
    python: str
    #: As pip writes them.
    versions: tuple[str, ...]
    tests: tuple[str, ...]
    #: Extras of the package; in a row called oldest these, at their oldest.
    extras: tuple[str, ...] = ()


def _runtime(version: str, python: str = '3.11', numpy: str = 'numpy==1.26.4') -> Row:
    versions = (f'onnxruntime=={version}', 'opencv-python-headless==4.11.0.86', numpy)
    return Row(f'ONNX Runtime {version}', python, (*versions, *PLAIN), NETWORKS)


def _opencv(version: str, numpy: str = 'numpy==1.26.4', python: str = '3.11') -> Row:
    versions = ('onnxruntime==1.23.2', f'opencv-python-headless=={version}', numpy)
    return Row(f'OpenCV {version}', python, (*versions, *PLAIN, *FACES), IMAGES)


ROWS = (
    Row('oldest', '3.10', (), (*NETWORKS, *IMAGES, 'test/test_layers.py'), ('test',)),
    Row('oldest with offline', '3.10', (), FILES, ('offline', 'demo', 'test')),
    Row(
        'oldest with cluster',
        '3.10',
        (),
        ('test/offline/workers',),
        ('cluster', 'demo', 'offline', 'test'),
    ),
    Row('oldest with train', '3.10', (), ('test/training',), ('train', 'test')),
    Row('oldest with view', '3.10', (), VIEW, ('view', 'offline', 'test')),
    *(_runtime(version) for version in ('1.17.3', '1.18.1', '1.19.2', '1.20.1', '1.21.1')),
    *(_runtime(version) for version in ('1.22.1', '1.23.2')),
    *(_runtime(version, numpy=TWO) for version in ('1.24.4', '1.26.0', '1.28.0', '1.30.0')),
    _runtime('1.32.0', '3.12', TWO),
    _runtime('1.32.0', '3.13', TWO),
    # As on Ubuntu 22.04.
    _opencv('4.5.4.60', 'numpy==1.21.6', '3.10'),
    *(_opencv(version) for version in ('4.6.0.66', '4.8.1.78', '4.10.0.84')),
    _opencv('4.12.0.88', 'numpy==2.2.6'),
    _opencv('4.13.0.92', TWO),
    Row(
        'newest',
        '3.13',
        ('onnxruntime==1.32.0', 'opencv-python-headless==4.14.0.94', TWO),
        (*NETWORKS, *IMAGES, *FILES),
        ('cluster', 'demo', 'offline', 'test'),
    ),
)


def main() -> int:
    """Run the rows; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--rows', nargs='*', default=[''], help='patterns of the rows to run')
    words = parser.parse_args().rows
    failed = False
    with tempfile.TemporaryDirectory(prefix='versions_') as folder:
        wheel = _wheel(Path(folder))
        for row in ROWS:
            if any(re.search(word, row.name) for word in words):
                versions, seen, whole = _run(row, wheel, Path(folder, 'environment'))
                failed |= not whole
                print(f'| {row.name}, Python {row.python} | {versions} | {seen} |', flush=True)
    return int(failed)


def _wheel(folder: Path) -> Path:
    """Build the pure form from a copy, whose tests are run: the sources may change meanwhile."""
    source = folder / 'source'
    ignore = shutil.ignore_patterns('.*', 'build', '*.egg-info')
    shutil.copytree(ROOT, source, ignore=ignore)
    _call(
        *(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', folder, source),
        environment={**os.environ, 'FACE_PERCEPTION_ROS': '0'},
    )
    (wheel,) = folder.glob('*.whl')
    return wheel


def _run(row: Row, wheel: Path, folder: Path) -> tuple[str, str, bool]:
    """Return the versions and what was seen, in words, and whether all was well."""
    python = _python(row.python)
    if not python:
        return '', 'this Python is not here', False
    uv = (sys.executable, '-m', 'uv')
    pip = (*uv, 'pip', 'install', '--quiet', '--python', folder, '--only-binary=:all:')
    named = _requirements(wheel, row.extras)
    oldest = ('--resolution=lowest-direct',) if row.name.startswith('oldest') else ()
    try:
        _call(*uv, 'venv', '--quiet', '--clear', '--python', python, folder)
        # Our own bounds are tried too: a version below them is refused.
        _call(*pip, *oldest, wheel, *named, *row.versions)
    except subprocess.CalledProcessError as error:
        return '', f'cannot be installed: {" ".join(error.stderr.split())}', False
    # Not python -m pytest, which would import the sources beside the tests.
    log = folder / 'tests.log'
    with open(log, 'w') as file:
        done = subprocess.run(
            [folder / 'bin' / 'pytest', '-q', '-p', 'no:cacheprovider', *row.tests],
            cwd=wheel.parent / 'source',
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    told = log.read_text(errors='replace')
    if done.returncode:
        print(told[-10000:], file=sys.stderr)
    seen = re.sub(r' in [\d.]+s.*', '', (told.strip().splitlines() or ['nothing'])[-1])
    listed = subprocess.run(
        [str(part) for part in (*uv, 'pip', 'freeze', '--python', folder)],
        capture_output=True,
        text=True,
    ).stdout.split()
    names = {re.split('[<>=]', text)[0] for text in (*named, *row.versions)}
    chosen = [text for text in listed if text.split('==')[0] in names]
    return ', '.join(chosen).replace('==', ' '), seen, done.returncode == 0


def _requirements(wheel: Path, extras: tuple[str, ...]) -> list[str]:
    """Return what the package and these of its extras ask for, as it is written in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith('.dist-info/METADATA'))
        text = archive.read(name).decode()
    found = re.findall(r'^Requires-Dist: ([^;\n]+?)(?:; extra == "(\w+)")?$', text, re.MULTILINE)
    return [requirement for requirement, extra in found if not extra or extra in extras]


def _python(version: str) -> str | None:
    """Return the interpreter of a version such as 3.10."""
    found = sorted(Path.home().glob(f'.pyenv/versions/{version}.*/bin/python3'))
    return str(found[-1]) if found else shutil.which(f'python{version}')


def _call(*command: object, environment: dict[str, str] | None = None) -> None:
    subprocess.run(
        [str(part) for part in command],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )


if __name__ == '__main__':
    sys.exit(main())
