"""How much each image counts in training, as a recipe balances them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .datasets import DatasetError, FaceSet, balancing_weights, evening_weights

if TYPE_CHECKING:  # its module needs PyTorch, which no loader does
    from ..recipe import Recipe

#: Between these ages, in years, both genders count the same in training.
AGE_LIMITS = (20, 30, 40, 50, 60, 70)
#: The value of a group, such as the age, where it is not known.
UNKNOWN = -1


def weights_of(
    train: FaceSet, validation: FaceSet, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Return how much each image counts, float32 ``[N]``, 1 on average; ``None``: all alike."""
    ages, sources, labels = (
        np.concatenate([values(faces) for faces in (train, validation)])
        for values in (
            lambda faces: faces.groups.get('age', np.full(len(faces), UNKNOWN)),
            lambda faces: faces.sources,
            lambda faces: faces.labels,
        )
    )
    bands = np.where(ages == UNKNOWN, UNKNOWN, np.digitize(ages, AGE_LIMITS))
    factors = []
    if recipe.task == 'gender':
        # Without weights a network learns a source's habit: past forty, two of three are men.
        _, of_source = np.unique(sources, return_inverse=True)
        factors.append(balancing_weights(labels, of_source * (len(AGE_LIMITS) + 2) + bands))
    for values, share, known in (
        (sources, recipe.balance_sources, slice(None)),
        (bands, recipe.balance_ages, bands != UNKNOWN),
        (labels, recipe.balance_labels, slice(None)),
    ):
        if share > 0 and len(values[known]):
            factors.append(np.ones(len(labels)))
            factors[-1][known] = evening_weights(values[known], share)
    if recipe.source_weights:
        unknown = sorted(set(recipe.source_weights) - set(sources))
        if unknown:
            raise DatasetError(
                f'the recipe weighs the source {unknown[0]}, but the data are of '
                f'{", ".join(sorted(set(sources)))}'
            )
        factors.append(np.array([recipe.source_weights.get(source, 1.0) for source in sources]))
    if not factors:
        return None, None
    weights = np.prod(factors, axis=0)
    if not weights[: len(train)].any():
        raise DatasetError('the source_weights of the recipe are 0 for all images to learn from')
    weights = (weights / weights.mean()).astype(np.float32)
    return weights[: len(train)], weights[len(train) :]
