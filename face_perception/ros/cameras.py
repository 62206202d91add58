"""The list of cameras, read from YAML, for each of which a launch file starts a node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ..core.errors import FacePerceptionError
from ..core.files import read_bounded
from .parameters import PARAMETERS_BY_NAME, Value

#: Bytes of a list of cameras at most.
MOST_BYTES = 2**20
_NAME = re.compile(r'[A-Za-z_]\w*(/[A-Za-z_]\w*)*', re.ASCII)
KEYS = ('name', 'image', 'machine', 'parameters')


@dataclass(frozen=True)
class Camera:
    """
    One camera: the namespace of its node, the topic of its images, and where it runs.

    ``parameters`` are by their full names; ``machine`` is ``''`` for any.
    """

    name: str
    image: str
    machine: str = ''
    parameters: dict[str, Value] = field(default_factory=dict)


def read_cameras(path: Path, machine: str = '') -> list[Camera]:
    """
    Return the cameras of a file whose nodes run on ``machine``.

    Without ``machine`` these are all. Raises ``FacePerceptionError`` with what is wrong.
    """
    try:
        content = yaml.safe_load(read_bounded(path, MOST_BYTES).decode())
    except OSError as error:
        raise FacePerceptionError(
            f"the list of cameras '{path}' cannot be read ({error.strerror}): correct the path"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FacePerceptionError(f"'{path}' is no YAML: {error}") from None
    entries = content.get('cameras') if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise FacePerceptionError(f"'{path}' has no list 'cameras': see two_cameras.yaml")
    cameras = [
        _camera(entry, f"'{path}', camera {number}") for number, entry in enumerate(entries, 1)
    ]
    names = [camera.name for camera in cameras]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FacePerceptionError(
            f"'{path}' has two cameras with the name '{twice[0]}': give each its own"
        )
    return [
        camera
        for camera in cameras
        if not (machine and camera.machine) or camera.machine == machine
    ]


def _camera(entry: object, where: str) -> Camera:
    if not isinstance(entry, dict):
        raise FacePerceptionError(f"{where} is {entry!r}: give it a 'name' and an 'image'")
    if unknown := [str(key) for key in entry if key not in KEYS]:
        raise FacePerceptionError(
            f"{where} has the unknown key '{unknown[0]}': use {', '.join(KEYS)}"
        )
    for key in ('name', 'image'):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise FacePerceptionError(f"{where} has no '{key}': give it one")
    if not _NAME.fullmatch(entry['name']) or '__' in entry['name']:
        raise FacePerceptionError(
            f"{where} has the name '{entry['name']}', which is no namespace: use letters, digits "
            'and _'
        )
    if not _NAME.fullmatch(re.sub('^~?/', '', entry['image'])) or '__' in entry['image']:
        raise FacePerceptionError(
            f"{where} has the image '{entry['image']}', which is no name of a topic: use letters, "
            'digits, _ and /'
        )
    machine, parameters = entry.get('machine') or '', entry.get('parameters') or {}
    if not isinstance(machine, str) or not isinstance(parameters, dict):
        raise FacePerceptionError(
            f"{where}: 'machine' is a name, and 'parameters' are names with values"
        )
    values = flat(parameters)
    for name, value in values.items():
        if name not in PARAMETERS_BY_NAME:
            raise FacePerceptionError(f"{where}: parameter '{name}' does not exist")
        if fault := PARAMETERS_BY_NAME[name].fault(value):
            raise FacePerceptionError(f'{where}: {fault}')
    return Camera(entry['name'], entry['image'], machine, values)


def flat(values: Mapping, prefix: str = '') -> dict[str, Value]:
    """Return nested parameters under their full names."""
    names: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            names |= flat(value, f'{prefix}{name}.')
        else:
            names[f'{prefix}{name}'] = value
    return names
