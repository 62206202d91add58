"""What a training run does, read from a YAML file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import yaml

from ..core.errors import FacePerceptionError
from ..core.models import CHANNELS
from ..core.types import EMOTIONS, GENDERS
from .augmentation import Augmentation

#: The labels of each task, in the order of the network's outputs.
LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}


class RecipeError(FacePerceptionError):
    """A recipe has an unknown key or a value that cannot be meant."""


@dataclass(frozen=True)
class Recipe:
    """
    The settings of one training run; the files in ``config/training`` explain each.

    ``learning_rate`` is the highest of the schedule, ``warmup`` the share of all steps until
    it is reached; ``crop_margin`` is the margin of ``core.crops.crop_face``.
    """

    task: str
    color: str
    crop_margin: float
    epochs: int
    input_size: int = 48
    batch_size: int = 128
    learning_rate: float = 0.004
    weight_decay: float = 0.01
    warmup: float = 0.1
    average: float = 0.998
    votes_weight: float = 0.4
    label_smoothing: float = 0.0
    precision: str = 'float32'
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        """Raise ``RecipeError`` for a value that cannot be meant."""
        if self.task not in LABELS:
            raise RecipeError(f'task must be one of {tuple(LABELS)}, not {self.task!r}')
        if self.color not in CHANNELS:
            raise RecipeError(f'color must be one of {tuple(CHANNELS)}, not {self.color!r}')
        if self.precision not in ('float32', 'bfloat16'):
            raise RecipeError(f'precision must be float32 or bfloat16, not {self.precision!r}')
        if self.epochs < 1 or self.batch_size < 2 or self.input_size < 32:
            raise RecipeError('epochs, batch_size and input_size must be at least 1, 2 and 32')

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the classes in the order of the outputs."""
        return LABELS[self.task]

    @property
    def channels(self) -> int:
        """Return the number of channels of the pictures."""
        return CHANNELS[self.color]

    def as_dict(self) -> dict:
        """Return plain data that ``recipe_from`` turns into the same recipe."""
        return asdict(self)


def recipe_from(values: dict) -> Recipe:
    """
    Return the recipe that ``values`` (the content of a YAML file) describe.

    Raises ``RecipeError`` when a key is unknown or missing.
    """
    values = dict(values)
    changes = values.pop('augmentation', {}) or {}
    for given, known in ((values, Recipe), (changes, Augmentation)):
        unknown = set(given) - {entry.name for entry in fields(known)}
        if unknown:
            raise RecipeError(f'unknown settings in the recipe: {sorted(unknown)}')
    try:
        return Recipe(**values, augmentation=Augmentation(**changes))
    except TypeError as error:
        raise RecipeError(f'the recipe is incomplete: {error}') from error


def load_recipe(path: Path | str) -> Recipe:
    """Read a recipe; raises ``RecipeError`` when ``path`` is no readable YAML mapping."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except (OSError, yaml.YAMLError) as error:
        raise RecipeError(f'{path} cannot be read as a recipe: {error}') from error
    if not isinstance(values, dict):
        raise RecipeError(f'{path} is not a mapping of settings')
    return recipe_from(values)
