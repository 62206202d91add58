"""
Images of scenes with boxes around the faces.

A file is a ``.zip`` with ``annotations.json`` in COCO's form (``images``: id, file_name, and
where there are several occasions ``event``; ``annotations``: image_id, ``bbox`` as x, y, width,
height in pixels, and where known ``attributes`` with ``invalid`` and others, such as WIDER
FACE's ``pose``) and the images, which OpenCV can decode.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.text import one_line, value
from ..data import DatasetError
from ..data.faults import STOP, Faults, MalformedError
from ..data.indexed import DAMAGES, LARGEST_INDEX, image_in, unpacked
from ..recipe import DetectorRecipe

ANNOTATIONS = 'annotations.json'
#: What a damaged archive raises, or JSON of another form: a list for a mapping, a number beyond
#: all types, a nesting too deep.
UNREADABLE = (*DAMAGES, AttributeError, OverflowError, RecursionError, TypeError)


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


def load_scenes(recipe: DetectorRecipe, folder: Path | str, malformed: str = STOP) -> Split:
    """
    Return the scenes from the files in ``folder``, split as ``recipe`` says.

    All ``*.zip`` files there with an ``annotations.json`` are read.  ``malformed`` says what
    happens at an image that cannot be read or has a box without an area: ``stop`` or ``skip``.
    Raises ``DatasetError`` when a file is malformed or there is nothing to train or to validate on.
    """
    paths = [path for path in sorted(Path(folder).glob('*.zip')) if is_scenes(path)]
    if Path(folder).is_file():
        raise DatasetError(f'{folder} is a file: give the folder in which the .zip of scenes lies')
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
            return ANNOTATIONS in archive.namelist()
    except DAMAGES as error:
        raise DatasetError(f'{path} cannot be read: {error}') from error


def annotations_in(archive: zipfile.ZipFile) -> dict:
    """Return what ``annotations.json`` holds; raises one of ``UNREADABLE`` if it cannot."""
    return json.loads(unpacked(archive, ANNOTATIONS, LARGEST_INDEX))


def read_scenes(path: Path | str, malformed: str = STOP) -> list[Scene]:
    """
    Return the scenes of one file, in the order of its list of images.

    ``malformed`` as in ``load_scenes``.  Raises ``DatasetError`` when the file is missing or
    malformed.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f'{path} does not exist: it should be a .zip of scenes')
    faults = Faults(path, malformed)
    try:
        with zipfile.ZipFile(path) as archive:
            content = annotations_in(archive)
            faces = defaultdict(list)
            for entry in content['annotations']:
                faces[entry['image_id']].append(entry)
            scenes = list(_scenes(archive, content['images'], faces, faults))
    except UNREADABLE as error:
        raise DatasetError(f'{path} cannot be read as scenes: {reason(error)}') from error
    faults.summarise()
    return [replace(scene, source=path.stem) for scene in scenes]


def reason(error: Exception) -> str:
    """Return what ``error``, one of ``UNREADABLE``, says of a file of scenes."""
    if isinstance(error, (AttributeError, KeyError, TypeError)):
        return f'{ANNOTATIONS} is not in the form of COCO ({error})'
    return str(error)


def boxes_of(faces: list[dict]) -> np.ndarray:
    """
    Return x1, y1, x2, y2 of ``faces`` as ``annotations.json`` has them, float32 ``[M, 4]``.

    Raises ``MalformedError`` for a box that is not four finite numbers, or has no area.
    """
    with np.errstate(all='ignore'):
        boxes = np.array([_numbers(face['bbox']) for face in faces], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
    usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if not usable.all():
        wrong = value(faces[usable.argmin()]['bbox'])
        raise MalformedError(
            f'the bbox {wrong} is not x, y, width and height of a face with an area'
        )
    return boxes


def _numbers(box: list) -> tuple[float, ...]:
    """Return the four numbers of ``box``, or what is none where they are not four."""
    try:
        x, y, width, height = map(float, box)
    except (OverflowError, TypeError, ValueError):
        return (np.nan,) * 4
    return x, y, width, height


def _scenes(
    archive: zipfile.ZipFile, images: list[dict], faces: dict[int, list[dict]], faults: Faults
) -> Iterator[Scene]:
    for number, entry in enumerate(images):
        try:
            scene = _scene(archive, entry, faces[entry['id']])
        except (*UNREADABLE, MalformedError) as error:
            name = entry.get('file_name') if isinstance(entry, dict) else None
            faults.report(name or f'image {number}', reason(error))
        else:
            yield scene


def _scene(archive: zipfile.ZipFile, entry: dict, faces: list[dict]) -> Scene:
    """Decode one image; raises ``MalformedError``, or one of ``UNREADABLE``, if it cannot."""
    name, event = entry['file_name'], entry.get('event') or ''
    if not isinstance(name, str) or not isinstance(event, str):
        raise MalformedError('its file_name or event is no text')
    image, boxes = image_in(archive, name), boxes_of(faces)
    said = [face.get('attributes', {}) for face in faces]
    attributes = {
        word: np.array([int(each.get(word, 0)) for each in said], np.int64)
        for word in sorted(set().union(*said))
    }
    invalid = attributes.pop('invalid', np.zeros(len(faces))).astype(bool)
    return Scene(name, image, boxes, invalid, one_line(event), attributes)
