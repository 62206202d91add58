"""The networks that this package trains."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

#: Output channels of the four residual blocks.
BLOCK_CHANNELS = (16, 32, 64, 128)


class SeparableConv(nn.Sequential):
    """A 3x3 depth-wise convolution, a 1x1 point-wise one and a batch normalisation."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Map ``channels_in`` to ``channels_out`` channels; height and width stay."""
        super().__init__(
            nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False),
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out))


class ResidualBlock(nn.Module):
    """
    Two separable convolutions with a strided 1x1 shortcut; halves height and width.

    The last ReLU follows the addition, so that every block receives rectified features.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Map ``channels_in`` to ``channels_out`` channels at half the resolution."""
        super().__init__()
        self.shortcut = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 1, stride=2, bias=False),
            nn.BatchNorm2d(channels_out))
        self.residual = nn.Sequential(
            SeparableConv(channels_in, channels_out), nn.ReLU(),
            SeparableConv(channels_out, channels_out), nn.MaxPool2d(3, stride=2, padding=1))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``[N, C_in, H, W]`` to ``[N, C_out, ceil(H/2), ceil(W/2)]``."""
        return torch.relu(self.shortcut(features) + self.residual(features))


class MiniXception(nn.Module):
    """
    Mini-Xception (Arriaga, Valdenegro-Toro and Ploeger 2017, arXiv:1710.07557).

    Two 3x3 convolutions, four residual blocks of depth-wise separable convolutions and a
    3x3 convolution to one map per class, averaged over the picture: no dense layer.
    """

    def __init__(self, input_channels: int, num_classes: int) -> None:
        """Build for pictures of ``input_channels`` (1 gray, 3 RGB) and ``num_classes``."""
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(input_channels, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        channels = (8, *BLOCK_CHANNELS)
        self.blocks = nn.Sequential(*(
            ResidualBlock(*pair) for pair in pairwise(channels)))
        self.head = nn.Conv2d(channels[-1], num_classes, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """
        Return the logits ``[N, K]`` of a batch of faces.

        ``image`` is float ``[N, C, H, W]`` with the pixel values of a camera, 0..255.
        """
        features = self.blocks(self.stem(normalized(image)))
        return self.head(features).mean(dim=(2, 3))


def normalized(image: Tensor) -> Tensor:
    """Map pixel values 0..255 to -1..1, the range that the networks compute in."""
    return image / 127.5 - 1


def mini_xception(input_channels: int, num_classes: int) -> MiniXception:
    """Return an untrained mini-Xception; it takes any picture from 32x32 pixels up."""
    return MiniXception(input_channels, num_classes)


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable numbers in ``network``."""
    return sum(parameter.numel() for parameter in network.parameters())
