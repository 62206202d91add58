"""How much a training sample of the detector is changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DetectorAugmentation:
    """
    How much to change; zero switches a change off.

    ``square`` is the share of samples that are cut out of a scene anywhere, at the size that
    it is looked at times ``square_scales``; ``mined`` the share around a box that mining found,
    where there is one; the others are cut around a face of the scene.  ``smallest_face`` and
    ``largest_face`` bound the height, in pixels, that this face gets (``largest_face`` as a
    share of the sample's side); ``ignored_below`` is the height under which a face is neither to
    be found nor to be denied.

    Probabilities are ``mosaic``, ``flip``, ``tilt`` (by up to ``rotation`` degrees), ``turned``
    (by any angle up to a right one), ``dark``, ``gray``, ``blur``, ``noise`` and ``jpeg``;
    ``cover``, by a mask or a hand, is per face; ``distract`` draws wheels, signs and letters;
    ``paste`` puts faces of other images, and pieces of background, between them.
    ``brightness``, ``contrast`` and ``colour`` are largest changes, as shares; ``stretch`` is by
    which share at most a sample becomes wider or narrower for its height.
    """

    smallest_face: float = 20.0
    largest_face: float = 0.8
    ignored_below: float = 14.0
    mosaic: float = 0.5
    flip: float = 0.5
    tilt: float = 0.4
    rotation: float = 30.0
    turned: float = 0.0
    square: float = 0.0
    square_scales: tuple[float, float] = (0.66, 2.6)
    mined: float = 0.0
    brightness: float = 0.25
    contrast: float = 0.35
    colour: float = 0.15
    dark: float = 0.1
    gray: float = 0.15
    blur: float = 0.15
    noise: float = 0.1
    jpeg: float = 0.1
    cover: float = 0.0
    distract: float = 0.0
    paste: float = 0.0
    stretch: float = 0.0
