"""
Random changes of training images, computed for a whole batch at a time.

They imitate what a robot's camera and face detector do: loose, shifted and tilted boxes,
light, contrast, distance (few pixels), sensor noise, and hands or cups before the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .checked import STRICT, Degrees, Octaves, Share, ShareBelowOne


@dataclass(frozen=True)
class Augmentation:
    """
    How much to change; everything is drawn per image, and zero switches a change off.

    ``flip``, ``low_resolution``, ``noise``, ``erase`` and ``gray`` are probabilities 0..1.
    ``rotation`` is the largest angle in degrees; ``scale`` and ``shift`` the largest change
    of the box, as a share of the crop's side; ``brightness`` and ``contrast`` the largest
    change as a share of the pixel range; ``gamma`` the largest change of log2 of the exponent.
    """

    __pydantic_config__ = STRICT

    flip: Share = 0.5
    rotation: Degrees = 10.0
    scale: ShareBelowOne = 0.12
    shift: Share = 0.08
    brightness: Share = 0.15
    contrast: Share = 0.25
    gamma: Octaves = 0.3
    low_resolution: Share = 0.1
    noise: Share = 0.15
    erase: Share = 0.2
    gray: Share = 0.0


def augment(canvas: Tensor, size: int, how: Augmentation, random: torch.Generator) -> Tensor:
    """
    Cut a randomly changed crop out of each image of a batch.

    ``canvas`` is uint8 or float ``[N, C, S, S]``, 0..255, whose middle ``size`` x ``size``
    pixels are the undisturbed crop.  Returns float32 ``[N, C, size, size]``, 0..255.
    """
    image = random_crop(canvas.float(), size, how, random)
    image = random_tones(image, how, random)
    if how.gray > 0 and image.shape[1] == 3:
        image = torch.where(_chance(image, how.gray, random), to_gray(image), image)
    if how.low_resolution > 0:
        image = random_resolution(image, how.low_resolution, random)
    if how.noise > 0:
        strength = 12 * _uniform(image, 0, 1, random) * _chance(image, how.noise, random)
        image = image + strength * torch.randn(image.shape, generator=random).to(image.device)
    if how.erase > 0:
        image = random_erase(image, how.erase, random)
    return image.clamp(0, 255)


def center_crop(canvas: Tensor, size: int) -> Tensor:
    """Return the middle ``size`` x ``size`` pixels of ``canvas`` ``[N, C, S, S]``."""
    start = (canvas.shape[-1] - size) // 2
    return canvas[:, :, start : start + size, start : start + size]


def random_crop(image: Tensor, size: int, how: Augmentation, random: torch.Generator) -> Tensor:
    """Sample a flipped, tilted, scaled and shifted crop; the edge repeats beyond it."""
    window = size / image.shape[-1]
    angle = torch.deg2rad(_uniform(image, -how.rotation, how.rotation, random))
    zoom = window * (1 + _uniform(image, -how.scale, how.scale, random))
    mirror = torch.where(_chance(image, how.flip, random), -1.0, 1.0)
    # Twice the share: the coordinates of grid_sample run from -1 to 1 over the image.
    right, down = (2 * window * _uniform(image, -how.shift, how.shift, random) for _ in range(2))
    theta = torch.stack(
        [
            mirror * zoom * angle.cos(),
            -zoom * angle.sin(),
            right,
            mirror * zoom * angle.sin(),
            zoom * angle.cos(),
            down,
        ],
        dim=-1,
    ).view(-1, 2, 3)
    grid = functional.affine_grid(theta, [*image.shape[:2], size, size], align_corners=False)
    return functional.grid_sample(image, grid, padding_mode='border', align_corners=False)


def random_tones(image: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Change gamma, contrast (around each image's mean) and brightness."""
    exponent = torch.exp2(_uniform(image, -how.gamma, how.gamma, random))
    gain = 1 + _uniform(image, -how.contrast, how.contrast, random)
    offset = 255 * _uniform(image, -how.brightness, how.brightness, random)
    if how.gamma > 0:
        image = 255 * (image / 255).clamp(0, 1).pow(exponent)
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    return ((image - mean) * gain + mean + offset).clamp(0, 255)


def to_gray(image: Tensor) -> Tensor:
    """Return the luma (ITU-R BT.601) of RGB ``[N, 3, H, W]``, repeated in all channels."""
    weights = image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True).expand_as(image)


def random_resolution(image: Tensor, chance: float, random: torch.Generator) -> Tensor:
    """Show a share ``chance`` of the images as if taken with fewer pixels, from half up."""
    chosen = _chance(image, chance, random).flatten().nonzero().flatten()
    if len(chosen) == 0:
        return image
    size = image.shape[-1]
    low = int(torch.randint(size // 2, size, (1,), generator=random))
    small = functional.interpolate(image[chosen], (low, low), mode='area')
    image[chosen] = functional.interpolate(
        small, (size, size), mode='bilinear', align_corners=False
    )
    return image


def random_erase(image: Tensor, chance: float, random: torch.Generator) -> Tensor:
    """Cover a rectangle of 10 to 40 % of each side with one random shade."""
    size = image.shape[-1]
    position = torch.arange(size, dtype=torch.float32, device=image.device)
    inside = []
    for shape in ((1, 1, 1, size), (1, 1, size, 1)):
        length = size * _uniform(image, 0.1, 0.4, random)
        start = (size - length) * _uniform(image, 0, 1, random)
        along = position.view(shape)
        inside.append((along >= start) & (along < start + length))
    covered = inside[0] & inside[1] & _chance(image, chance, random)
    return torch.where(covered, _uniform(image, 0, 255, random), image)


def _uniform(image: Tensor, low: float, high: float, random: torch.Generator) -> Tensor:
    """Draw one number per image of ``image``, shaped ``[N, 1, 1, 1]``."""
    drawn = torch.rand((len(image), 1, 1, 1), generator=random)
    return (low + (high - low) * drawn).to(image.device)


def _chance(image: Tensor, probability: float, random: torch.Generator) -> Tensor:
    """Draw true with ``probability`` per image of ``image``, shaped ``[N, 1, 1, 1]``."""
    return (torch.rand((len(image), 1, 1, 1), generator=random) < probability).to(image.device)
