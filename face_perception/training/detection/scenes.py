"""
Images of scenes with boxes around the faces.

A file is a ``.zip`` with ``annotations.json`` in COCO's form (``images``: id, file_name, and
where there are several occasions ``event``; ``annotations``: image_id, ``bbox`` as x, y, width,
height in pixels, and where known ``attributes`` with ``invalid`` and others, such as WIDER
FACE's ``pose``) and the images, which OpenCV can decode.
"""

from __future__ import annotations

import json
import logging
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.errors import ImageError
from ...media.images.decode import decode_image
from ..data import DatasetError
from ..recipe import DetectorRecipe

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """
    An image and the faces in it.

    ``image`` is uint8 BGR ``[H, W, 3]``; ``boxes`` float32 ``[M, 4]`` are x1, y1, x2, y2 in its
    pixels; ``ignored`` bool ``[M]`` tells which are neither to be found nor to be denied.
    ``attributes`` int ``[M]`` are what else the file says of each face, 0 where it says nothing;
    ``source`` is the file's name without its ending.
    """

    name: str
    image: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray
    event: str = ''
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    source: str = ''


class Split(NamedTuple):
    """
    Scenes to ``train`` on and those kept back.

    ``validation`` are of the events that a recipe holds out whole; ``apart`` a share of others,
    picked by their names, so that false alarms are counted on scenes of their kind too.
    """

    train: list[Scene]
    validation: list[Scene]
    apart: list[Scene]


def load_scenes(recipe: DetectorRecipe, folder: Path | str, malformed: str = 'stop') -> Split:
    """
    Return the scenes from the files in ``folder``, split as ``recipe`` says.

    All ``*.zip`` files there with an ``annotations.json`` are read.  ``malformed`` says what
    happens at an image that cannot be read: ``stop`` or ``skip``.  Raises ``DatasetError`` when
    a file is malformed or there is nothing to train or to validate on.
    """
    paths = [path for path in sorted(Path(folder).glob('*.zip')) if is_scenes(path)]
    if not paths:
        raise DatasetError(f'{folder} holds no .zip with annotations.json and images')
    split = Split([], [], [])
    for path in paths:
        for scene in read_scenes(path, malformed):
            if scene.event in recipe.held_out:
                split.validation.append(scene)
            elif scene.event in recipe.held_out_events and _drawn(scene, recipe.held_out_share):
                split.apart.append(scene)
            else:
                split.train.append(scene)
    for said, part in ((recipe.held_out, split.validation), (recipe.held_out_events, split.apart)):
        missing = set(said) - {scene.event for scene in part}
        if missing and said:
            raise DatasetError(f'{folder} has no scenes of the events held out: {sorted(missing)}')
    if not split.train or not split.validation:
        raise DatasetError(
            f'{folder}: {len(split.train)} scenes to train and {len(split.validation)} to '
            f'validate on; both are needed'
        )
    return split


def _drawn(scene: Scene, share: float) -> bool:
    """Tell by its name whether ``scene`` is of the ``share`` that is kept back."""
    return zlib.crc32(scene.name.encode()) % 1000 < 1000 * share


def is_scenes(path: Path) -> bool:
    """Tell whether the file at ``path`` says that it holds scenes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return 'annotations.json' in archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise DatasetError(f'{path} cannot be read: {error}') from error


def read_scenes(path: Path | str, malformed: str = 'stop') -> list[Scene]:
    """
    Return the scenes of one file, in the order of its list of images.

    ``malformed`` as in ``load_scenes``.  Raises ``DatasetError`` when the file is missing or
    malformed.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f'{path} does not exist: it should be a .zip of scenes')
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read('annotations.json'))
            faces = defaultdict(list)
            for entry in content['annotations']:
                faces[entry['image_id']].append(entry)
            scenes = _scenes(archive, content['images'], faces, malformed)
            return [replace(scene, source=path.stem) for scene in scenes]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DatasetError(f'{path} cannot be read as scenes: {error}') from error


def _scenes(
    archive: zipfile.ZipFile, images: list[dict], faces: dict[int, list[dict]], malformed: str
) -> Iterator[Scene]:
    for entry in images:
        try:
            yield _scene(archive, entry, faces[entry['id']])
        except (KeyError, ValueError, TypeError) as error:
            if malformed == 'stop':
                raise
            _logger.warning('skipped %s: %s', entry.get('file_name', 'an image'), error)


def _scene(archive: zipfile.ZipFile, entry: dict, faces: list[dict]) -> Scene:
    """Decode one image; raises ``ValueError`` when that is impossible."""
    try:
        image = decode_image(archive.read(entry['file_name']))
    except ImageError as error:
        raise ValueError(f'{entry["file_name"]} is no image: {error}') from error
    boxes = np.array([face['bbox'] for face in faces], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    said = [face.get('attributes', {}) for face in faces]
    attributes = {
        name: np.array([int(each.get(name, 0)) for each in said])
        for name in sorted(set().union(*said))
    }
    invalid = attributes.pop('invalid', np.zeros(len(faces))).astype(bool)
    return Scene(entry['file_name'], image, boxes, invalid, entry.get('event', ''), attributes)
