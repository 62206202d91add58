"""The face detector: a small backbone, a top-down path and one box per cell."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..architectures import Residual, convolution, separable

#: Pixels between the cells of the three grids that predict.
STRIDES = (8, 16, 32)
#: What height and width of an image must be multiples of.
MULTIPLE = STRIDES[-1]
#: Channels at strides 2, 4, 8, 16 and 32, and of the features that the heads see.
WIDTHS, FEATURES = (16, 32, 48, 80, 96), 48
#: Residual blocks at strides 8, 16 and 32, and the sides of their and the heads' kernels: on
#: the coarsest grid a face that fills the image is wider than what smaller ones see.
BLOCKS, KERNELS = (3, 2, 2), (3, 3, 5)
#: Pixels lie around this value and are divided by it: both are exact in bfloat16.
PIXEL_CENTER = 128.0
#: How likely a cell shows a face before anything was learned (Lin et al. 2017).
PRIOR = 0.01
#: The logarithm of a distance, in strides, is cut off here.
LARGEST_LOG_DISTANCE = 5.0


class Predictions(NamedTuple):
    """
    What a network says of each cell, stride by stride.

    ``face`` are logits ``[N, A]`` that a face is there; ``boxes`` ``[N, A, 4]`` are x1, y1, x2,
    y2 in pixels.
    """

    face: Tensor
    boxes: Tensor

    @property
    def scores(self) -> Tensor:
        """Return the scores ``[N, A]``, 0..1."""
        return self.face.sigmoid()


class FaceDetector(nn.Module):
    """
    Anchor-free single-stage detector (Tian et al. 2019; sizes as Wu et al. 2023, "YuNet").

    Depth-wise separable residual blocks on strides 4 to 32, features of coarse grids added to
    the finer ones (Lin et al. 2017), and for each cell of strides 8, 16 and 32 one score and
    the distances from the cell's centre to the sides of a box.
    """

    #: What pixels are divided by before the first convolution.
    pixel_scale = PIXEL_CENTER

    def __init__(self, width: int = 1) -> None:
        """Build an untrained detector; one that is to teach has ``width`` times the channels."""
        super().__init__()
        widths, features = [width * channels for channels in WIDTHS], width * FEATURES
        self.stem = nn.Sequential(
            *convolution(3, widths[0], stride=2),
            *convolution(widths[0], widths[1], stride=2),
            _residual(widths[1]),
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                *separable(wide, wider, 2),
                nn.ReLU(),
                *(_residual(wider, kernel) for _ in range(blocks)),
            )
            for (wide, wider), blocks, kernel in zip(
                pairwise(widths[1:]), BLOCKS, KERNELS, strict=True
            )
        )
        self.laterals = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(wide, features, 1, bias=False), nn.BatchNorm2d(features), nn.ReLU()
            )
            for wide in widths[2:]
        )
        self.heads = nn.ModuleList(
            nn.Sequential(
                *separable(features, features, kernel=kernel),
                nn.ReLU(),
                *separable(features, features, kernel=kernel),
                nn.ReLU(),
                nn.Conv2d(features, 5, 1),
            )
            for kernel in KERNELS
        )
        for kernel, bias in map(nn.Module.parameters, self.outputs()):
            nn.init.normal_(kernel, std=0.01)
            nn.init.constant_(bias[:1], -math.log((1 - PRIOR) / PRIOR))
            nn.init.constant_(bias[1:], 0.3)

    def outputs(self) -> list[nn.Conv2d]:
        """Return the last layer of each head: a kernel and a bias for a logit and distances."""
        return [
            [layer for layer in head.modules() if isinstance(layer, nn.Conv2d)][-1]
            for head in self.heads
        ]

    def exported_modules(self) -> list[nn.Module]:
        """Return the modules in the order in which they are exported."""
        backbone = [
            module for pair in zip(self.stages, self.laterals, strict=True) for module in pair
        ]
        return [self.stem, *backbone, *self.heads]

    def maps(self, image: Tensor) -> list[Tensor]:
        """
        Return one map ``[N, 5, H / stride, W / stride]`` per stride: a logit, four distances.

        See ``forward`` for ``image``.  The distances (left, top, right, bottom) are logarithms in
        units of the stride.
        """
        casts = torch.is_autocast_enabled(image.device.type)
        pixels = image.to(torch.bfloat16 if casts else next(self.stem.parameters()).dtype)
        features = self.stem((pixels - PIXEL_CENTER) / PIXEL_CENTER)
        grids = []
        for stage, lateral in zip(self.stages, self.laterals, strict=True):
            features = stage(features)
            grids.append(lateral(features))
        for finer in (1, 0):
            grids[finer] = grids[finer] + functional.interpolate(grids[finer + 1], scale_factor=2)
        return [head(grid) for head, grid in zip(self.heads, grids, strict=True)]

    def forward(self, image: Tensor) -> Predictions:
        """
        Return what the network says of all cells.

        ``image`` is ``[N, 3, H, W]``, 0..255, BGR, uint8 or float, with sides that are multiples
        of ``MULTIPLE``.
        """
        maps = [grid.flatten(2).transpose(1, 2).float() for grid in self.maps(image)]
        every = torch.cat(maps, dim=1)
        centers, strides = cells(image.shape[2], image.shape[3], image.device)
        reach = every[..., 1:].clamp(max=LARGEST_LOG_DISTANCE).exp() * strides[:, None]
        boxes = torch.cat([centers - reach[..., :2], centers + reach[..., 2:]], dim=2)
        return Predictions(every[..., 0], boxes)


def cells(height: int, width: int, device: torch.device | str = 'cpu') -> tuple[Tensor, Tensor]:
    """Return the centres ``[A, 2]`` (x, y) and strides ``[A]`` of all cells, in pixels."""
    centers, strides = [], []
    for stride in STRIDES:
        rows, columns = (
            torch.arange(side // stride, device=device) * stride + stride / 2
            for side in (height, width)
        )
        y, x = torch.meshgrid(rows, columns, indexing='ij')
        centers.append(torch.stack([x, y], dim=-1).view(-1, 2))
        strides.append(torch.full((len(centers[-1]),), float(stride), device=device))
    return torch.cat(centers), torch.cat(strides)


def _residual(width: int, kernel: int = 3) -> Residual:
    """Return a residual block with one separable convolution."""
    return Residual(nn.Identity(), nn.Sequential(*separable(width, width, kernel=kernel)))
