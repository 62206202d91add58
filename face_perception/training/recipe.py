"""What a training run does, read from a YAML file."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from ..core.errors import FacePerceptionError
from ..core.files import read_bounded
from ..core.onnx_models import CHANNELS
from ..core.text import value
from ..core.types import EMOTIONS, GENDERS
from .augmentation import Augmentation
from .checked import (
    STRICT,
    Count,
    InputSize,
    Margin,
    SettingsMistakeError,
    Share,
    ShareBelowOne,
    Temperature,
    Weight,
    Width,
    checked,
)
from .detection.settings import DetectorAugmentation

#: The labels of each task, in the order of the network's outputs.
LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}

#: Bytes of a recipe's file at most.
MOST_BYTES = 2**20

#: What can follow the gradients.
OPTIMIZERS = ('adamw', 'muon')

#: A step of more than this follows no gradient; float32 ends far above.
Rate = Annotated[float, Field(gt=0, le=100)]
#: Of more images set aside too few would be left to learn from.
ShareSetAside = Annotated[float, Field(ge=0, le=0.5)]
#: Sides in pixels of a detector's samples (the steps of its deepest layer) and scenes.
SampleSide = Annotated[int, Field(ge=64, le=2048, multiple_of=32)]
LongSide = Annotated[int, Field(ge=32, le=4096)]
#: How often a scene is picked: never is not meant.
Frequency = Annotated[float, Field(gt=0, le=1000)]

#: Former names of settings, as in recipes of users and in files of models.
RENAMED = {'views': 'distinct_augmentations'}


class RecipeError(FacePerceptionError):
    """A recipe has an unknown key or a value that cannot be meant."""


@dataclass(frozen=True)
class Schedule:
    """
    What every kind of training has: how long, how fast, in which numbers.

    ``learning_rate`` is reached after ``warmup`` epochs, stays, and falls to nothing in the last
    ``decay`` of ``epochs``; a run of 0 epochs goes on until it is stopped.  ``optimizer`` is
    ``adamw`` (Loshchilov and Hutter 2019) or ``muon`` (see ``muon.Muon``).  ``average`` is the
    decay per step of the running average of the weights.  With ``distinct_augmentations`` above 0
    only so many different changes of the training images are seen, over and over, so that a
    teacher needs to look at each only once.  The averaged network is measured after every
    ``validate_every`` epochs and after the last.
    """

    __pydantic_config__ = STRICT

    epochs: Count = 1
    batch_size: Count = 128
    optimizer: str = 'adamw'
    learning_rate: Rate = 0.004
    weight_decay: Weight = 0.01
    warmup: float = 0.0
    decay: float = 0.0
    average: float = 0.998
    distinct_augmentations: Count = 0
    validate_every: Count = 1
    precision: str = 'float32'
    seed: Count = 0

    def __post_init__(self) -> None:
        """Raise ``RecipeError`` for a value that cannot be meant."""
        if self.precision not in ('float32', 'bfloat16'):
            raise RecipeError(f'precision must be float32 or bfloat16, not {self.precision!r}')
        if self.optimizer not in OPTIMIZERS:
            raise RecipeError(f'optimizer must be one of {OPTIMIZERS}, not {self.optimizer!r}')
        if min(self.epochs, self.distinct_augmentations) < 0:
            raise RecipeError('epochs and distinct_augmentations must be at least 0')
        if self.validate_every < 1 or self.batch_size < 2:
            raise RecipeError('validate_every must be at least 1, batch_size 2')
        if self.epochs == 0 and self.decay > 0:
            raise RecipeError(
                'a run without an end (epochs: 0) has no decay: branch one off with --decay'
            )
        if not (0 <= self.warmup and 0 <= self.decay and (self.decay <= self.epochs)):
            raise RecipeError('warmup and decay are epochs, decay at most as many as there are')
        if not (0 <= self.average < 1 and self.learning_rate > 0):
            raise RecipeError('average must be a share below 1, learning_rate above 0')


@dataclass(frozen=True)
class Recipe(Schedule):
    """
    The settings of the training of a classifier; the files in ``config/training`` explain each.

    ``crop_margin`` is the margin of ``core.crops.crop_face``; ``votes_weight`` (0..1) is the
    share of the votes in the targets and ``votes_task`` the weight of guessing all votes with
    outputs of their own, which the exported file lacks; ``distillation`` (0..1) is the
    share of the loss that compares with a teacher's predictions (Hinton et al. 2015), softened by
    ``distillation_temperature``; ``mixup`` (0: none) is how strongly images are laid
    over each other (see ``classification.Mix``); ``balance_...`` (0..1) is how far rare sources,
    ages and labels are made up for (see ``data.datasets.evening_weights``), and ``source_weights``
    by how much more than that the sources named count; ``calibration_share`` (0..0.5) of the images
    are not learned from, but say how sure the exported file may be; ``mirror`` makes that file
    ask to be shown a face's mirror image too.
    """

    task: str = 'emotion'
    architecture: str = 'mini_xception'
    color: str = 'gray'
    crop_margin: Margin = 0.0
    input_size: InputSize = 48
    votes_weight: Share = 0.0
    votes_task: Weight = 0.0
    label_smoothing: ShareBelowOne = 0.0
    balance_sources: Share = 0.0
    balance_ages: Share = 0.0
    balance_labels: Share = 0.0
    source_weights: dict[str, Weight] = field(default_factory=dict)
    calibration_share: ShareSetAside = 0.0
    distillation: Share = 0.0
    distillation_temperature: Temperature = 2.0
    mixup: Weight = 0.0
    mirror: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        """Raise ``RecipeError`` for a value that cannot be meant."""
        super().__post_init__()
        if self.task not in LABELS:
            tasks = (*LABELS, DetectorRecipe.task)
            raise RecipeError(f'task must be one of {tasks}, not {self.task!r}')
        if self.color not in CHANNELS:
            raise RecipeError(f'color must be one of {tuple(CHANNELS)}, not {self.color!r}')

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the classes in the order of the outputs."""
        return LABELS[self.task]

    @property
    def channels(self) -> int:
        """Return the number of channels of the images."""
        return CHANNELS[self.color]

    def as_dict(self) -> dict:
        """Return plain data that ``recipe_from`` turns into the same recipe."""
        return asdict(self)


@dataclass(frozen=True)
class DetectorRecipe(Schedule):
    """
    The settings of the training of the face detector.

    ``sizes`` are the sides of the square samples that it learns from, in pixels; ``held_out``
    names the events whose scenes are for validation, with their long side at ``long_side``, and
    ``held_out_share`` of the scenes of the events in ``held_out_events`` are kept back by name
    too; false boxes are counted on those of ``alarms_on`` that show no face (none named: on all).
    ``weights`` says how often a scene of an event is picked, 1 for those not named.  Every
    ``mine_every`` epochs (0: never) what the averaged network mistakes for a face, and which
    faces it misses, is looked for on ``mine_scenes`` training scenes.  ``width`` is by how much the
    network is wider than the one that is shipped, to teach it; ``distillation`` (0..1) is the
    share of the loss that compares with a teacher's predictions.
    """

    task: str = 'face_detection'
    width: Width = 1
    distillation: Share = 0.0
    sizes: tuple[SampleSide, ...] = (192, 256, 320)
    long_side: LongSide = 640
    held_out: tuple[str, ...] = ()
    held_out_events: tuple[str, ...] = ()
    held_out_share: ShareBelowOne = 0.0
    alarms_on: tuple[str, ...] = ()
    weights: dict[str, Frequency] = field(default_factory=dict)
    mine_every: Count = 0
    mine_scenes: Count = 400
    augmentation: DetectorAugmentation = field(default_factory=DetectorAugmentation)

    def __post_init__(self) -> None:
        """Raise ``RecipeError`` for a value that cannot be meant."""
        super().__post_init__()
        if not self.sizes:
            raise RecipeError('sizes must be at least one')
        smallest, largest = self.augmentation.square_scales
        if smallest > largest:
            raise RecipeError('augmentation.square_scales must be the smaller, then the larger')

    def as_dict(self) -> dict:
        """Return plain data that ``recipe_from`` turns into the same recipe."""
        return json.loads(json.dumps(asdict(self)))


#: What must be written in a recipe, by its kind: the rest has defaults.
REQUIRED = {
    Recipe: ('task', 'color', 'crop_margin', 'epochs'),
    DetectorRecipe: ('task', 'epochs', 'held_out'),
}


def recipe_from(values: dict) -> Recipe | DetectorRecipe:
    """
    Return the recipe that ``values`` (the content of a YAML file) describe.

    Raises ``RecipeError`` when a key is unknown or missing, or a value of another type or out of
    range.
    """
    for former, name in RENAMED.items():
        if former in values and name in values:
            raise RecipeError(f'{former} is the former name of {name}: one of them is too much')
    values = {RENAMED.get(name, name): value for name, value in values.items()}
    kind: type[Recipe | DetectorRecipe] = Recipe
    changes_kind: type[Augmentation | DetectorAugmentation] = Augmentation
    if values.get('task') == DetectorRecipe.task:
        kind, changes_kind = DetectorRecipe, DetectorAugmentation
    changes = values.get('augmentation') or {}
    if not isinstance(changes, dict):
        raise RecipeError(f'augmentation should be a mapping of settings, not {changes!r}')
    names = [{entry.name for entry in fields(one)} for one in (kind, changes_kind)]
    for given, known in zip((values, changes), names):
        unknown = set(given) - known
        if unknown:
            raise RecipeError(f'unknown settings in the recipe: {sorted(map(str, unknown))}')
    missing = [name for name in REQUIRED[kind] if name not in values]
    if missing:
        raise RecipeError(f'the recipe is incomplete: it lacks {missing}')
    try:
        return checked(kind, {**values, 'augmentation': changes})
    except SettingsMistakeError as error:
        raise RecipeError(f'the recipe cannot be meant: {error}') from error


class _Loader(yaml.SafeLoader):
    """YAML as of version 1.2: 1e-2 is a number, and what is set twice is a mistake."""

    def construct_mapping(self, node, deep=False):
        """Return a mapping; PyYAML would take the last of equal keys."""
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice := [key for key, times in keys.items() if times > 1]:
            raise yaml.YAMLError(f'it sets {value(", ".join(twice))} more than once')
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    'tag:yaml.org,2002:float', re.compile(r'[-+]?\d[\d_]*(\.\d*)?[eE][-+]?\d+$'), '-+0123456789'
)


def check_teacher(recipe: Recipe | DetectorRecipe, teacher: object | None) -> None:
    """Raise ``RecipeError`` where there is no ``teacher`` though ``recipe`` needs one, or one."""
    if teacher is None and recipe.distillation > 0:
        raise RecipeError('the recipe learns from a teacher (distillation): name it with --teacher')
    if teacher is not None and recipe.distillation == 0:
        raise RecipeError(
            'the recipe learns from no teacher: set distillation above 0, or leave --teacher out'
        )


def load_recipe(path: Path | str) -> Recipe | DetectorRecipe:
    """Read a recipe; raises ``RecipeError`` when ``path`` is no readable YAML mapping."""
    try:
        values = yaml.load(read_bounded(Path(path), MOST_BYTES).decode(), _Loader)
    except RecursionError:
        raise RecipeError(f'{path} cannot be read as a recipe: it is nested too deeply') from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise RecipeError(f'{path} cannot be read as a recipe: {reason}') from error
    if not isinstance(values, dict):
        raise RecipeError(f'{path} is not a mapping of settings')
    return recipe_from(values)
