"""
The mirror image beside the image: a network that is shown both errs less.

The caller decides how a face is shown: a single image costs both.  A face that is followed costs
one, as image and mirror image in turns, and what was said last is joined with what was said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

#: A probability of float32 that has become 0 would be infinitely sure.
LEAST_PROBABILITY = np.float32(1e-37)
#: The share of the time constant of the average within which a face is classified again at the
#: latest for its images to take turns: three times, and a little more as cameras are not exact.
WITHIN_SHARE = 0.36


class Shown(Enum):
    """How a face is shown to a network that wants its mirror image too."""

    BOTH = 'both'
    IMAGE = 'image'
    MIRROR = 'mirror'

    @property
    def images(self) -> int:
        """Return how many images the network sees."""
        return 2 if self is Shown.BOTH else 1


def next_shown(last: Shown | None, since_s: float, time_constant: float) -> Shown:
    """
    Return how a face is shown that was last shown as ``last``, ``since_s`` seconds ago.

    They take turns where an average over ``time_constant`` seconds holds several of each;
    a face that is new, or classified too seldom, is shown as both.
    """
    if last is None or since_s > WITHIN_SHARE * time_constant:
        return Shown.BOTH
    return Shown.MIRROR if last is Shown.IMAGE else Shown.IMAGE


def with_mirrors(
    crops: np.ndarray | Sequence[np.ndarray], shown: Sequence[Shown]
) -> list[np.ndarray]:
    """Return the images to show, ``[S, S, ...]`` each: first of all faces, then seconds."""
    first = [
        crop[:, ::-1] if how is Shown.MIRROR else crop
        for crop, how in zip(crops, shown, strict=True)
    ]
    return first + [crop[:, ::-1] for crop, how in zip(crops, shown) if how is Shown.BOTH]


def one_per_face(probabilities: np.ndarray, shown: Sequence[Shown]) -> np.ndarray:
    """
    Return the probabilities ``[N, K]`` of faces, from those of the images of ``with_mirrors``.

    Those of an image and its mirror image are the softmax of the mean of their logits.
    """
    both = [index for index, how in enumerate(shown) if how is Shown.BOTH]
    if not both:
        return probabilities
    result = probabilities[: len(shown)].copy()
    result[both] = joined(probabilities[both], probabilities[len(shown) :])
    return result


def joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the softmax of the mean of the logits behind two predictions, each ``[..., K]``."""
    odds = np.log(np.maximum(first, LEAST_PROBABILITY))
    odds = (odds + np.log(np.maximum(second, LEAST_PROBABILITY))) / 2
    odds = np.exp(odds - odds.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)
