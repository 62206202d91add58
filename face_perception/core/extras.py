"""Which command brings what is missing: it depends on how this package was installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution, version

#: As in pyproject.toml, which colcon does not read.
PACKAGES = {
    'cluster': ('distributed>=2024.1',),
    'demo': ('matplotlib>=3.5', 'rich>=11', 'scikit-image>=0.19'),
    'offline': ('matplotlib>=3.5', 'mcap>=1.2', 'pyarrow>=15', 'rich>=11', 'rosbags>=0.11.9'),
    'train': (
        'matplotlib>=3.7',
        'onnx>=1.16',
        'pydantic>=2.6',
        'pyyaml>=6',
        'rich>=11',
        'scikit-learn>=1.3',
        'scipy>=1.10',
        'torch>=2.4',
        'torchmetrics>=1.3',
    ),
    'view': ('opencv-python-headless>=4.10.0.84,<5', 'rerun-sdk>=0.37,<0.42'),
}
#: The one that needs NumPy 2.
VIEW = 'view'


def install_command(*extras: str) -> str:
    """
    Return what to type for the packages of ``extras``.

    Where colcon has installed this package, pip knows it without extras, and would install
    nothing and call that a success: there the packages themselves are named.
    """
    if set(extras) <= _known_to_pip():
        return f"pip install 'face_perception[{','.join(extras)}]'"
    packages = dict.fromkeys(package for extra in extras for package in PACKAGES[extra])
    if VIEW not in extras and _numpy().startswith('1.'):
        packages['numpy<2'] = None  # the distribution's OpenCV was built with it
    return ' '.join(['pip install', *(f"'{package}'" for package in packages)])


def _known_to_pip() -> set[str]:
    try:
        return set(distribution('face_perception').metadata.get_all('Provides-Extra') or ())
    except PackageNotFoundError:
        return set()


def _numpy() -> str:
    try:
        return version('numpy')
    except PackageNotFoundError:
        return ''
