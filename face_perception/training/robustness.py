"""
Accuracy under what cameras and face detectors do to an image.

Each ``Degradation`` changes the whole image around a face, before the face is cut out of it,
as a camera would.  Strengths are relative to the face, because the images of data sets differ:
the side of a face is the longer side of its box (46 pixels in FER-2013, 98 in UTKFace), and noise
is what remains of it on a face of ``REFERENCE`` pixels, about what a network looks at.

The families and the idea to grade each in a few strengths follow Hendrycks and Dietterich 2019
(arXiv:1903.12261).  Random numbers are drawn anew from ``SEED`` for each degradation: the same
samples in the same order are always degraded the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core.scaling import resize
from ..core.types import Box
from . import metrics
from .data import Sample
from .jpeg import through_jpeg

SEED = 0
#: Side of a face, in pixels, for which noise and JPEG are stated.
REFERENCE = 48
#: Encoded values are this root of the light (close to sRGB, IEC 61966-2-1).
GAMMA = 2.2
#: Electrons of a white pixel on a face of ``REFERENCE`` pixels: a small sensor in dim light.
FULL_WELL = 1000
#: How much of a photograph is degraded and looked at: a square of this many sides of the face.
SURROUNDINGS = 2.5
#: The largest change of centre and side of a jittered box, as a share of its side.
JITTER = 0.15

#: Returns a changed sample, given random numbers and a strength.
Change = Callable[[Sample, np.random.Generator, float], Sample]


@dataclass(frozen=True)
class Degradation:
    """
    One ``change`` at one ``strength``.

    ``name`` is unique, ``family`` is shared by all strengths of a change, and ``meaning`` says
    in words how strong it is.
    """

    family: str
    name: str
    meaning: str
    change: Change
    strength: float

    def applied(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """
        Yield each of ``samples`` degraded; the originals stay as they are.

        Images are uint8 BGR ``[H, W, 3]``, before and after, where they are ``near_face``.
        """
        random = np.random.default_rng(SEED)
        return (self.change(near_face(sample), random, self.strength) for sample in samples)


def face_side(sample: Sample) -> float:
    """Return the side of the face in pixels: the longer one of its box."""
    return max(sample.box.width, sample.box.height)


def near_face(sample: Sample) -> Sample:
    """
    Return ``sample`` with no more of a large photograph than ``SURROUNDINGS`` around the face.

    Its crop has the same pixels; an image that the face fills stays whole.
    """
    side, (x, y) = SURROUNDINGS * face_side(sample), sample.box.center
    height, width = sample.image.shape[:2]
    window = Box(x - side / 2, y - side / 2, side, side).clipped(width, height)
    if window.area == 0:
        return sample
    # Even: half pixels are rounded to even ones, with and without what is cut off.
    left, top = window.x - window.x % 2, window.y - window.y % 2
    image = sample.image[top : window.y + window.height, left : window.x + window.width]
    return replace(
        sample, image=image, box=replace(sample.box, x=sample.box.x - left, y=sample.box.y - top)
    )


def gaussian_blur(sample: Sample, random: np.random.Generator, sigma: float) -> Sample:
    """Defocus: blur with a Gaussian of ``sigma`` times the face's side."""
    image = cv2.GaussianBlur(
        sample.image, (0, 0), sigma * face_side(sample), borderType=cv2.BORDER_REPLICATE
    )
    return replace(sample, image=image)


def motion_blur(sample: Sample, random: np.random.Generator, length: float) -> Sample:
    """Move the camera during exposure: ``length`` face sides straight in a random direction."""
    kernel = motion_kernel(length * face_side(sample), random.uniform(0, np.pi))
    image = cv2.filter2D(sample.image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return replace(sample, image=image)


def motion_kernel(length: float, angle: float) -> np.ndarray:
    """Return float64 ``[S, S]``, sum 1: a line of ``length`` pixels at ``angle`` radians."""
    reach = int(np.ceil(length / 2))
    positions = np.linspace(-length / 2, length / 2, 1001)
    edges = np.arange(-reach - 0.5, reach + 1)
    kernel, _, _ = np.histogram2d(
        positions * np.sin(angle), positions * np.cos(angle), (edges, edges)
    )
    return kernel / kernel.sum()


def exposure(sample: Sample, random: np.random.Generator, gain: float) -> Sample:
    """
    Let ``gain`` times the light in: 0.5 is one stop darker, 2 one brighter, and white clips.

    The light is the image's values to the power ``GAMMA``.  Each pixel counts its electrons
    (Poisson), ``FULL_WELL`` at white on a face of ``REFERENCE`` pixels and fewer on the smaller
    pixels of a larger face.
    """
    electrons = FULL_WELL * (REFERENCE / face_side(sample)) ** 2
    light = gain * (sample.image / 255) ** GAMMA
    light = (random.poisson(light * electrons) / electrons).clip(0, 1)
    return replace(sample, image=as_pixels(255 * light ** (1 / GAMMA)))


def sensor_noise(sample: Sample, random: np.random.Generator, sigma: float) -> Sample:
    """Add Gaussian noise of ``sigma`` times the pixel range to each pixel and channel."""
    per_pixel = 255 * sigma * face_side(sample) / REFERENCE
    return replace(sample, image=as_pixels(random.normal(sample.image, per_pixel)))


def jpeg(sample: Sample, random: np.random.Generator, quality: float) -> Sample:
    """
    Store as JPEG of ``quality`` (1..100) at a face's side of ``REFERENCE`` pixels.

    A block of 8x8 pixels then is a sixth of the face; a smaller face is stored as it is.
    """
    small = resized(sample.image, min(1.0, REFERENCE / face_side(sample)))
    stored = through_jpeg(small, round(quality))
    return replace(sample, image=scaled_to(stored, sample.image.shape))


def low_resolution(sample: Sample, random: np.random.Generator, side: float) -> Sample:
    """Show the face from so far away that its side has ``side`` pixels, then scale it up."""
    small = resized(sample.image, min(1.0, side / face_side(sample)))
    return replace(sample, image=scaled_to(small, sample.image.shape))


def box_jitter(sample: Sample, random: np.random.Generator, share: float) -> Sample:
    """Move and scale the box (see ``jittered``), as another detector would."""
    return replace(sample, box=jittered(sample.box, random, share))


def jittered(box: Box, random: np.random.Generator, share: float = JITTER) -> Box:
    """Return ``box`` moved and scaled by up to ``share`` of its side, all uniformly."""
    scale, right, down = 1 + random.uniform(-share, share, 3) - (0, 1, 1)
    (x, y), width, height = box.center, box.width * scale, box.height * scale
    x, y = x + right * box.width, y + down * box.height
    return Box(x - width / 2, y - height / 2, width, height)


def rotation(sample: Sample, random: np.random.Generator, degrees: float) -> Sample:
    """Tilt the head by ``degrees`` to a random side; beyond the image its edge repeats."""
    # OpenCV's pixel centres lie on whole numbers, those of a box on halves.
    x, y = (value - 0.5 for value in sample.box.center)
    matrix = cv2.getRotationMatrix2D((x, y), degrees * random.choice((-1, 1)), 1)
    height, width = sample.image.shape[:2]
    return replace(
        sample,
        image=cv2.warpAffine(
            sample.image,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
    )


def as_pixels(values: np.ndarray) -> np.ndarray:
    """Return ``values`` rounded and clipped to uint8."""
    return np.rint(values).clip(0, 255).astype(np.uint8)


def resized(image: np.ndarray, zoom: float) -> np.ndarray:
    """Return ``image`` with sides ``zoom`` (0..1) times as long, averaged over areas."""
    height, width = (max(1, round(zoom * length)) for length in image.shape[:2])
    return resize(image, (width, height), cv2.INTER_AREA)


def scaled_to(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return ``image`` scaled linearly to the height and width of ``shape``."""
    return resize(image, (shape[1], shape[0]), cv2.INTER_LINEAR)


def _graded(
    family: str, change: Change, meaning: str, strengths: Sequence[int], unit: float = 0.01
) -> list[Degradation]:
    """Return ``change`` at each of ``strengths``, counted in ``unit`` and named after that."""
    name = family.lower().replace(' ', '_')
    return [
        Degradation(family, f'{name}_{strength}', meaning.format(strength), change, strength * unit)
        for strength in strengths
    ]


#: What accuracy is measured under, from weak to strong within each family.
DEGRADATIONS: tuple[Degradation, ...] = (
    *_graded('gaussian blur', gaussian_blur, "sigma {} % of the face's side", (1, 2, 4)),
    *_graded('motion blur', motion_blur, "{} % of the face's side", (5, 10, 20)),
    *_graded('darkness', exposure, '{} % of the light, shot noise', (50, 25, 12)),
    *_graded('overexposure', exposure, '{} % of the light, clipped', (200, 400)),
    *_graded('sensor noise', sensor_noise, 'sigma {} % of the pixel range', (2, 5, 10)),
    *_graded('JPEG', jpeg, 'quality {}', (50, 20, 10), 1),
    *_graded('low resolution', low_resolution, 'face of {} pixels', (32, 24, 16), 1),
    *_graded('box jitter', box_jitter, "up to {} % of the box's side", (5, 10, 15)),
    *_graded('rotation', rotation, 'by {}° to a random side', (5, 15, 30), 1),
)


def accuracies(
    predict: Callable[[Iterable[Sample]], np.ndarray],
    samples: Sequence[Sample],
    degradations: Iterable[Degradation] = DEGRADATIONS,
) -> dict[str, float]:
    """
    Return the accuracy (0..1) under each of ``degradations`` by name, and as it is (``clean``).

    ``predict`` returns the probabilities ``[N, K]`` of a classifier for N samples.
    """
    labels = np.array([sample.label for sample in samples])
    table = {'clean': metrics.accuracy(predict(samples), labels)}
    for degradation in degradations:
        table[degradation.name] = metrics.accuracy(predict(degradation.applied(samples)), labels)
    return table
