"""How much a training sample of the detector is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ..checked import STRICT, Degrees, Share

#: Height of a face in pixels of a sample: of none, logarithms and scales have no meaning.
Height = Annotated[float, Field(ge=1, le=4096)]
HeightOrNone = Annotated[float, Field(ge=0, le=4096)]
#: As a share of a sample's side.
ShareOfSide = Annotated[float, Field(gt=0, le=1)]
#: Times the size that a scene is looked at.
Scale = Annotated[float, Field(ge=0.01, le=100)]


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

    __pydantic_config__ = STRICT

    smallest_face: Height = 20.0
    largest_face: ShareOfSide = 0.8
    ignored_below: HeightOrNone = 14.0
    mosaic: Share = 0.5
    flip: Share = 0.5
    tilt: Share = 0.4
    rotation: Degrees = 30.0
    turned: Share = 0.0
    square: Share = 0.0
    square_scales: tuple[Scale, Scale] = (0.66, 2.6)
    mined: Share = 0.0
    brightness: Share = 0.25
    contrast: Share = 0.35
    colour: Share = 0.15
    dark: Share = 0.1
    gray: Share = 0.15
    blur: Share = 0.15
    noise: Share = 0.1
    jpeg: Share = 0.1
    cover: Share = 0.0
    distract: Share = 0.0
    paste: Share = 0.0
    stretch: Share = 0.0
