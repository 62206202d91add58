"""
Run the ROS-free part on an emulated arm64 machine, and compare it with this machine.

``python test/platforms/arm64.py FOLDER`` needs ``apt-get install qemu-user-static`` (Debian 12) and
an environment in which this package is installed with its extras ``demo`` and ``offline``.
Debian's packages of Python and its libraries are unpacked into a folder with ``dpkg -x``, wheels
for aarch64 beside, and qemu runs that Python.  ``FacePipeline`` looks at the built-in sample, and
``face_perception_annotate`` at a clip of it without loss (FFV1); all must be as here within 1e-3
(boxes: pixels).  How far Motion JPEG is decoded otherwise there is printed only: that is FFmpeg's.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np

from face_perception.media.sample.sample import SampleScene

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name('arm64_probe.py')
FRAMES = 12
TOLERANCE = 1e-3
#: Python of Debian 12, and the libraries that it and the wheels load.
DEBIAN = 'python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libgcc-s1 libstdc++6 '
DEBIAN += 'zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libcrypt1 '
DEBIAN += 'libncursesw6 libtinfo6 libreadline8'
#: ONNX Runtime 1.32 ends with an illegal instruction under Debian 12's qemu 7.2.
WHEELS = 'onnxruntime==1.22.1 numpy==1.26.4 opencv-python-headless==4.11.0.86 rosbags '
WHEELS += (
    'ruamel.yaml lz4 backports.zstd apsw typing_extensions rich markdown-it-py mdurl pygments '
)
WHEELS += 'pyarrow==18.1.0 mcap flatbuffers packaging protobuf coloredlogs humanfriendly'
SUITE = 'bookworm'


def main() -> int:
    """Return 1 if the machines differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('folder', type=Path, help='for what is fetched and unpacked (600 MB)')
    folder = parser.parse_args().folder.absolute()
    if not shutil.which('qemu-aarch64-static'):
        sys.exit('error: qemu is missing: run sudo apt-get install qemu-user-static')
    prefix, packages = folder / 'machine', folder / 'packages'
    if not packages.is_dir():
        fetch(folder, prefix, packages)
    wheel, here = build_wheel(folder), folder / 'here'
    shutil.rmtree(here, ignore_errors=True)
    for place in (here, packages):
        install_package(wheel, place)
    images = folder / 'images'
    make_inputs(images)
    emulated = ['qemu-aarch64-static', '-L', str(prefix), str(prefix / 'usr/bin/python3.11')]
    there = {
        'PYTHONHOME': str(prefix / 'usr'),
        'PYTHONPATH': str(packages),
        'PATH': os.environ['PATH'],
        # Wheels carry their libraries, but for those of the unpacked packages.
        'LD_LIBRARY_PATH': f'{prefix}/usr/lib/aarch64-linux-gnu:{prefix}/lib/aarch64-linux-gnu',
        'HOME': str(folder),
    }
    found = {}
    machines = {
        # The same wheel in front of the package that is installed here.
        'x86-64': ([sys.executable], {**os.environ, 'PYTHONPATH': str(here)}),
        'arm64': (emulated, there),
    }
    for name, (python, environment) in machines.items():
        found[name] = look(folder, name, python, environment, images)
    difference = compare(*found.values())
    pixels = np.subtract(*(np.asarray(seen['lossy'], int) for seen in found.values()))
    print(
        f'Motion JPEG: {np.mean(pixels != 0):.0%} of the values of its first frame differ, by up '
        f'to {np.max(np.abs(pixels))} of 255'
    )
    print(f'largest difference {difference:.2g} (of {TOLERANCE:g} allowed)')
    return int(difference > TOLERANCE)


def fetch(folder: Path, prefix: Path, packages: Path) -> None:
    """Unpack Debian's Python for arm64, and wheels for it beside."""
    state, debs, wheels = folder / 'apt', folder / 'debs', folder / 'wheels'
    for part in (state / 'lists/partial', state / 'cache/partial', debs, wheels, prefix):
        part.mkdir(parents=True, exist_ok=True)
    (state / 'status').touch()
    # A state of its own: this machine's packages, and its architectures, stay as they are.
    apt = ['apt-get', '-qq', '-o', 'APT::Architecture=arm64', '-o', 'APT::Architectures::=arm64']
    apt += ['-o', f'Dir::State={state}', '-o', f'Dir::State::status={state}/status']
    apt += ['-o', f'Dir::Cache={state}/cache']
    subprocess.run([*apt, 'update'], check=True)
    subprocess.run([*apt, 'download', *DEBIAN.split()], cwd=debs, check=True)
    for deb in debs.glob('*.deb'):
        subprocess.run(['dpkg', '-x', deb, prefix], check=True)
    pip = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', str(wheels)]
    for platform in ('2_28', '2_27', '2_17', '2014'):
        joined = 'manylinux2014' if platform == '2014' else f'manylinux_{platform}'
        pip += ['--platform', f'{joined}_aarch64']
    pip += ['--python-version', '3.11', '--only-binary=:all:']
    subprocess.run([*pip, *WHEELS.split()], check=True)
    packages.mkdir()
    for wheel in wheels.glob('*.whl'):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)


def build_wheel(folder: Path) -> Path:
    """Return the pure wheel of the sources as they are now."""
    made, source = folder / 'made', folder / 'source'
    shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(source, ignore_errors=True)
    ignore = shutil.ignore_patterns('.*', 'build', 'test', 'docs', 'benchmarks', '*.egg-info')
    shutil.copytree(ROOT, source, ignore=ignore)
    pip = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', str(made)]
    pip.append(str(source))
    subprocess.run(pip, check=True, env={**os.environ, 'FACE_PERCEPTION_ROS': '0'})
    (wheel,) = made.glob('*.whl')
    return wheel


def install_package(wheel: Path, packages: Path) -> None:
    """Put the wheel there, and its data where it looks for them."""
    shutil.rmtree(packages / 'face_perception', ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (data,) = packages.glob('face_perception-*.data/data')
    shutil.copytree(data, packages, dirs_exist_ok=True)


def make_inputs(images: Path) -> None:
    """Write the images of the sample, and clips of them."""
    images.mkdir(exist_ok=True)
    scene = SampleScene()
    writers = [
        cv2.VideoWriter(str(images / name), cv2.VideoWriter_fourcc(*codec), 10.0, (640, 480))
        for name, codec in (('clip.avi', 'FFV1'), ('lossy.avi', 'MJPG'))
    ]
    for number in range(FRAMES):
        image = scene.frame(number * len(scene) // FRAMES)
        cv2.imwrite(str(images / f'{number:02}.png'), image)
        for writer in writers:
            writer.write(image)
    for writer in writers:
        writer.release()


def look(folder, name, python, environment, images) -> dict:
    """Return what one machine sees."""
    output, results = folder / f'{name}.json', folder / f'{name}_annotate'
    shutil.rmtree(results, ignore_errors=True)
    subprocess.run([*python, PROBE, images, output], check=True, env=environment, cwd=folder)
    code = 'import sys; from face_perception.cli import annotate; sys.exit(annotate())'
    arguments = [images / 'clip.avi', '--output', results, '--outputs', 'table', 'video']
    # In that folder, as python -c would import the sources beside this file.
    subprocess.run([*python, '-c', code, *arguments], check=True, env=environment, cwd=folder)
    (table,) = results.rglob('*.csv')
    (video,) = (path for path in results.rglob('*') if path.suffix in ('.mp4', '.avi'))
    seen = json.loads(output.read_text())
    with open(table) as file:
        seen['rows'] = list(csv.DictReader(file))
    faces = sum(map(len, seen['frames']))
    print(
        f'{name}: ONNX Runtime {seen["onnxruntime"]}, OpenCV {seen["opencv"]}: {faces} faces in '
        f'{len(seen["frames"])} images, {seen["seconds"] / len(seen["frames"]):.2f} s each; table '
        f'of {len(seen["rows"])} rows, video of {video.stat().st_size} bytes',
        flush=True,
    )
    return seen


def compare(here: dict, there: dict) -> float:
    """Return the largest difference of a number; what is not a number must be the same."""
    worst = 0.0
    assert [len(faces) for faces in here['frames']] == [len(faces) for faces in there['frames']]
    for faces, others in zip(here['frames'], there['frames']):
        for face, other in zip(faces, others):
            for key in face:
                worst = max(worst, float(np.max(np.abs(np.subtract(face[key], other[key])))))
    assert len(here['rows']) == len(there['rows']) > 0
    for row, other in zip(here['rows'], there['rows']):
        for key, text in row.items():
            if key.endswith('_s') or key.endswith('_ms'):
                continue  # how long it took
            try:
                worst = max(worst, abs(float(text) - float(other[key])))
            except ValueError:
                assert text == other[key], f'{key}: {text} here, {other[key]} there'
    return worst


if __name__ == '__main__':
    sys.exit(main())
