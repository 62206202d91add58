"""
Run the tests of the ROS-free part with other versions of Python and of what it depends on.

``python test/platforms/versions.py`` makes an environment per Python (nothing of ROS), installs
each row's versions into it, runs the row's tests, prints the row of docs/platforms.md, and removes
the environments at the end.  ``--rows oldest 1.18`` runs those whose name has one of these words.
Other Pythons are looked for on PATH and in ~/.pyenv/versions.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The shipped files load, and answer as they were pinned; and the arithmetic around them.
NETWORKS = ('test/core/test_shipped_outputs.py', 'test/core/test_onnx_models.py')
IMAGES = ('test/core', 'test/media/images', 'test/media/messages', 'test/visuals')
IMAGES += ('test/offline/outputs/test_anonymize.py',)


@dataclass(frozen=True)
class Row:
    """One environment: versions as PyPI writes them, and the tests that it runs."""

    name: str
    python: str
    onnxruntime: str
    opencv: str
    numpy: str
    tests: tuple[str, ...]


def _runtime(version: str, python: str = '3.11', numpy: str = '1.26.4') -> Row:
    name = f'ONNX Runtime {version}'
    return Row(name, python, version, '4.11.0.86', numpy, NETWORKS)


def _opencv(version: str, numpy: str = '1.26.4') -> Row:
    return Row(f'OpenCV {version}', '3.11', '1.23.2', version, numpy, IMAGES)


ROWS = (
    # The lower bounds in setup.py.
    Row('oldest of all', '3.10', '1.17.0', '4.6.0.66', '1.26.0', IMAGES),
    *(_runtime(version) for version in ('1.17.3', '1.18.1', '1.19.2', '1.20.1', '1.21.1')),
    *(_runtime(version) for version in ('1.22.1', '1.23.2')),
    *(_runtime(version, numpy='2.4.6') for version in ('1.24.4', '1.26.0', '1.28.0', '1.30.0')),
    _runtime('1.32.0', '3.12', '2.4.6'),
    _runtime('1.32.0', '3.13', '2.4.6'),
    *(_opencv(version) for version in ('4.6.0.66', '4.8.1.78', '4.10.0.84')),
    *(_opencv(version, '2.4.6') for version in ('4.12.0.88', '4.13.0.92')),
    Row('newest of all', '3.13', '1.32.0', '4.14.0.94', '2.4.6', IMAGES),
)


def main() -> int:
    """Run the rows; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--rows', nargs='*', default=[''], help='words of the rows to run')
    words = parser.parse_args().rows
    failed = False
    with tempfile.TemporaryDirectory(prefix='versions_') as folder:
        wheel = _wheel(Path(folder))
        for row in ROWS:
            if any(word in row.name for word in words):
                seen, whole = _run(row, wheel, Path(folder) / row.python)
                failed |= not whole
                versions = f'{row.python} | {row.onnxruntime} | {row.opencv} | {row.numpy}'
                print(f'| {row.name} | {versions} | {seen} |', flush=True)
    return int(failed)


def _wheel(folder: Path) -> Path:
    """Build the pure form from a copy, so that nothing is left in the source folder."""
    source = folder / 'source'
    ignore = shutil.ignore_patterns('.*', 'build', 'test', 'docs', 'benchmarks', '*.egg-info')
    shutil.copytree(ROOT, source, ignore=ignore)
    _call(
        *(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', folder, source),
        environment={**os.environ, 'FACE_PERCEPTION_ROS': '0'},
    )
    (wheel,) = folder.glob('*.whl')
    return wheel


def _run(row: Row, wheel: Path, folder: Path) -> tuple[str, bool]:
    """Return what was seen, in words, and whether all was well."""
    python = _python(row.python)
    if not python:
        return 'this Python is not here', False
    try:
        if not folder.is_dir():
            _call(python, '-m', 'venv', folder)
        pip = (folder / 'bin' / 'python', '-m', 'pip', '--disable-pip-version-check')
        pins = (
            f'onnxruntime=={row.onnxruntime}',
            f'opencv-python-headless=={row.opencv}',
            f'numpy=={row.numpy}',
        )
        needs = ('rosbags', 'onnx>=1.16', 'pytest', 'hypothesis', 'rich')
        # Our own bounds are tried too: a pin below them is refused.
        _call(*pip, 'install', '--quiet', '--only-binary=:all:', wheel, *pins, *needs)
        done = subprocess.run(
            [folder / 'bin' / 'python', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *row.tests],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        return f'cannot be installed: {error.stderr.strip().splitlines()[-1]}', False
    if done.returncode:
        print(done.stdout[-8000:], done.stderr[-2000:], file=sys.stderr)
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ['nothing']
    return re.sub(r' in [\d.]+s.*', '', lines[-1]), done.returncode == 0


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
