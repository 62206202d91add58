"""
Pictures of scenes with boxes around the faces.

A file is a ``.zip`` with ``annotations.json`` in COCO's form (``images``: id, file_name, and
where there are several occasions ``event``; ``annotations``: image_id, ``bbox`` as x, y, width,
height in pixels, and where known ``attributes`` with ``invalid`` and others, such as WIDER
FACE's ``pose``) and the pictures, which OpenCV can decode.
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...core.errors import ImageError
from ...media.images.decode import decode_image
from ..data import DatasetError
from ..recipe import DetectorRecipe

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """
    A picture and the faces in it.

    ``image`` is uint8 BGR ``[H, W, 3]``; ``boxes`` float32 ``[M, 4]`` are x1, y1, x2, y2 in its
    pixels; ``ignored`` bool ``[M]`` tells which are neither to be found nor to be denied.
    ``attributes`` int ``[M]`` are what else the file says of each face, 0 where it says nothing.
    """

    name: str
    image: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray
    event: str = ''
    attributes: dict[str, np.ndarray] = field(default_factory=dict)


def load_scenes(
    recipe: DetectorRecipe, folder: Path | str, malformed: str = 'stop'
) -> tuple[list[Scene], list[Scene]]:
    """
    Return the training and the validation scenes of ``recipe`` from the files in ``folder``.

    All ``*.zip`` files there with an ``annotations.json`` are read; validation are the events
    that the recipe holds out.  ``malformed`` says what happens at a picture that cannot be
    read: ``stop`` or ``skip``.  Raises ``DatasetError`` when a file is malformed or a part is
    empty.
    """
    paths = [path for path in sorted(Path(folder).glob('*.zip')) if _is_scenes(path)]
    if not paths:
        raise DatasetError(f'{folder} holds no .zip with annotations.json and pictures')
    scenes = [scene for path in paths for scene in read_scenes(path, malformed)]
    missing = set(recipe.held_out) - {scene.event for scene in scenes}
    if missing:
        raise DatasetError(f'{folder} has no scenes of the events held out: {sorted(missing)}')
    parts = (
        [scene for scene in scenes if (scene.event in recipe.held_out) == held_out]
        for held_out in (False, True)
    )
    train, validation = parts
    if not train or not validation:
        raise DatasetError(
            f'{folder}: {len(train)} scenes to train and {len(validation)} to '
            f'validate on; both are needed'
        )
    return train, validation


def _is_scenes(path: Path) -> bool:
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
            return list(_scenes(archive, content['images'], faces, malformed))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DatasetError(f'{path} cannot be read as scenes: {error}') from error


def _scenes(
    archive: zipfile.ZipFile, images: list[dict], faces: dict[int, list[dict]], malformed: str
) -> Iterator[Scene]:
    for image in images:
        try:
            yield _scene(archive, image, faces[image['id']])
        except (KeyError, ValueError, TypeError) as error:
            if malformed == 'stop':
                raise
            _logger.warning('skipped %s: %s', image.get('file_name', 'a picture'), error)


def _scene(archive: zipfile.ZipFile, entry: dict, faces: list[dict]) -> Scene:
    """Decode one picture; raises ``ValueError`` when that is impossible."""
    try:
        image = decode_image(archive.read(entry['file_name']))
    except ImageError as error:
        raise ValueError(f'{entry["file_name"]} is no picture: {error}') from error
    boxes = np.array([face['bbox'] for face in faces], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    said = [face.get('attributes', {}) for face in faces]
    attributes = {
        name: np.array([int(each.get(name, 0)) for each in said])
        for name in sorted(set().union(*said))
    }
    invalid = attributes.pop('invalid', np.zeros(len(faces))).astype(bool)
    return Scene(entry['file_name'], image, boxes, invalid, entry.get('event', ''), attributes)
