"""
The classifiers that this package trains.

Each maps float images ``[N, C, H, W]`` with the pixel values of a camera, 0..255, to logits
``[N, K]``, and takes any image from 32x32 pixels up.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

#: What a camera's pixel values lie around, and by how much: networks see -1..1.
PIXEL_MEAN, PIXEL_SCALE = 127.5, 127.5


class Residual(nn.Module):
    """
    A shortcut and a branch beside it, added and then rectified.

    As the last ReLU follows the addition, every block receives rectified features.
    """

    def __init__(self, shortcut: nn.Module, branch: nn.Module) -> None:
        """Take two modules whose outputs have the same shape."""
        super().__init__()
        self.shortcut, self.branch = shortcut, branch

    def forward(self, features: Tensor) -> Tensor:
        """Return ``relu(shortcut(features) + branch(features))``."""
        return torch.relu(self.shortcut(features) + self.branch(features))


class DepthwiseConvolution(nn.Conv2d):
    """
    One kernel per channel.

    While it learns with a stride of 2 it computes every pixel and drops three of four:
    PyTorch's own gradients of strided depth-wise convolutions are far slower on a CPU.
    """

    def __init__(self, width: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> None:
        """
        Keep the number of channels; the size too, or halve it with a stride of 2.

        With a ``dilation`` of 2 the kernel looks at every second pixel around.
        """
        padding = dilation * (kernel // 2)
        super().__init__(width, width, kernel, stride, padding, dilation, groups=width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return ``[N, C, H / stride, W / stride]``, rounded up."""
        if not self.training or self.stride == (1, 1):
            return super().forward(features)
        everywhere = functional.conv2d(
            features,
            self.weight,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return everywhere[:, :, :: self.stride[0], :: self.stride[1]]


class Classifier(nn.Module):
    """Layers after a normalisation of the pixels."""

    def __init__(self, *layers: nn.Module) -> None:
        """Chain ``layers``; the first receives -1..1, the last returns logits ``[N, K]``."""
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits ``[N, K]`` of faces, float ``[N, C, H, W]``, 0..255."""
        return self.layers((image - PIXEL_MEAN) / PIXEL_SCALE)


def mini_xception(channels: int, classes: int) -> Classifier:
    """
    Mini-Xception (Arriaga, Valdenegro-Toro and Ploeger 2017, arXiv:1710.07557).

    Two 3x3 convolutions, four residual blocks of depth-wise separable convolutions and a
    3x3 convolution to one map per class, averaged over the image: no dense layer.
    """
    widths = (8, 16, 32, 64, 128)
    return Classifier(
        *convolution(channels, 8, padding=0),
        *convolution(8, 8, padding=0),
        *(
            Residual(
                _shortcut(wide, wider),
                nn.Sequential(
                    *separable(wide, wider),
                    nn.ReLU(),
                    *separable(wider, wider),
                    nn.MaxPool2d(3, stride=2, padding=1),
                ),
            )
            for wide, wider in pairwise(widths)
        ),
        nn.Conv2d(widths[-1], classes, 3, padding=1),
        *_average(),
    )


def deep_mini_xception(channels: int, classes: int) -> Classifier:
    """
    Mini-Xception with its parameters spent on depth (our variant).

    The same residual blocks of depth-wise separable convolutions and global average pooling.
    What differs: blocks that keep the resolution have a shortcut without weights, blocks that
    halve it do so in their first depth-wise convolution rather than by pooling at the end,
    and the maps of the classes come from a 1x1 convolution.
    """
    return _deep_mini_xception(channels, classes)


def dilated_mini_xception(channels: int, classes: int) -> Classifier:
    """
    Return ``deep_mini_xception`` whose last block keeps the resolution.

    Its second depth-wise convolution is dilated instead (Yu, Koltun and Funkhouser 2017, "Dilated
    Residual Networks"): the same weights answer at four times as many places, of which the mean
    depends less on where exactly a face lies.  A sixth more work, for labels that are as right.
    """
    return _deep_mini_xception(channels, classes, stride=1, dilation=2)


def fully_convolutional(channels: int, classes: int) -> Classifier:
    """
    Return the paper's larger network: nine convolutions, no dense layer, 0.63 M parameters.

    Kernels of 7, 5 and 3 pixels with batch normalisation, a 2x2 average pooling wherever the
    channels double, and the maps of the classes averaged over the image.
    """
    layers = convolution(channels, 16, 7)
    for wide, wider, kernel in ((16, 32, 5), (32, 64, 3), (64, 128, 3)):
        layers += [
            nn.AvgPool2d(2),
            *convolution(wide, wider, kernel),
            *convolution(wider, wider, kernel),
        ]
    layers += [nn.AvgPool2d(2), *convolution(128, 256)]
    return Classifier(*layers, nn.Conv2d(256, classes, 3, padding=1), *_average())


def residual_teacher(channels: int, classes: int) -> Classifier:
    """Plain residual network (He et al. 2016), 1.6 M parameters: not shipped, but learned from."""
    widths = (48, 48, 48, 96, 96, 192, 192)
    return Classifier(
        *convolution(channels, widths[0], 5, stride=2),
        *(_plain_block(*pair) for pair in pairwise(widths)),
        nn.Dropout(0.2),
        nn.Conv2d(widths[-1], classes, 1),
        *_average(),
    )


def quick_teacher(channels: int, classes: int) -> Classifier:
    """
    Residual network that begins at a quarter of the resolution, 1.6 M parameters.

    A third of the time of ``residual_teacher``: one step takes about what ``deep_mini_xception``
    does, as plain 3x3 kernels suit a CPU and few pixels are left for them.
    """
    widths = (64, 64, 64, 128, 128, 256)
    return Classifier(
        *convolution(channels, 32, stride=2),
        *convolution(32, widths[0], stride=2),
        *(_plain_block(*pair) for pair in pairwise(widths)),
        nn.Dropout(0.2),
        nn.Conv2d(widths[-1], classes, 1),
        *_average(),
    )


#: The networks that a recipe can name: functions of the input channels and the classes.
ARCHITECTURES: dict[str, Callable[[int, int], Classifier]] = {
    'mini_xception': mini_xception,
    'deep_mini_xception': deep_mini_xception,
    'dilated_mini_xception': dilated_mini_xception,
    'fully_convolutional': fully_convolutional,
    'residual_teacher': residual_teacher,
    'quick_teacher': quick_teacher,
}


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable numbers in ``network``."""
    return sum(parameter.numel() for parameter in network.parameters())


def convolution(
    wide: int, wider: int, kernel: int = 3, stride: int = 1, padding: int | None = None
) -> list[nn.Module]:
    """Return a convolution, its batch normalisation and a ReLU."""
    padding = kernel // 2 if padding is None else padding
    return [
        nn.Conv2d(wide, wider, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(wider),
        nn.ReLU(),
    ]


def separable(
    wide: int, wider: int, stride: int = 1, kernel: int = 3, dilation: int = 1
) -> list[nn.Module]:
    """Return a depth-wise convolution, a 1x1 point-wise one and a batch normalisation."""
    return [
        DepthwiseConvolution(wide, kernel, stride, dilation),
        nn.Conv2d(wide, wider, 1, bias=False),
        nn.BatchNorm2d(wider),
    ]


def _shortcut(wide: int, wider: int, stride: int = 2) -> nn.Sequential:
    """Return a 1x1 convolution of every ``stride``-th pixel and its batch normalisation."""
    convolution = nn.Conv2d(wide, wider, 1, stride=stride, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(wider))


def _deep_mini_xception(channels: int, classes: int, **last: int) -> Classifier:
    """Return ``deep_mini_xception``; ``last`` goes to ``_separable_block`` for its last block."""
    *pairs, last_pair = pairwise((32, 32, 32, 64, 64, 64, 86))
    return Classifier(
        *convolution(channels, 16),
        *convolution(16, 32, stride=2),
        *(_separable_block(*pair) for pair in pairs),
        _separable_block(*last_pair, **last),
        nn.Conv2d(last_pair[1], classes, 1),
        *_average(),
    )


def _separable_block(
    wide: int, wider: int, stride: int | None = None, dilation: int = 1
) -> Residual:
    """
    Return two depth-wise separable convolutions and a shortcut.

    Halves the resolution where it widens, but for another ``stride``; ``dilation`` is that of the
    second convolution.
    """
    same = wide == wider
    stride = (1 if same else 2) if stride is None else stride
    return Residual(
        nn.Identity() if same else _shortcut(wide, wider, stride),
        nn.Sequential(
            *separable(wide, wider, stride),
            nn.ReLU(),
            *separable(wider, wider, dilation=dilation),
        ),
    )


def _plain_block(wide: int, wider: int) -> Residual:
    """Return two 3x3 convolutions and a shortcut; halves the resolution where it widens."""
    if wide == wider:
        return Residual(
            nn.Identity(),
            nn.Sequential(*convolution(wide, wider), *convolution(wider, wider)[:-1]),
        )
    shortcut = nn.Sequential(
        nn.AvgPool2d(2), nn.Conv2d(wide, wider, 1, bias=False), nn.BatchNorm2d(wider)
    )
    return Residual(
        shortcut,
        nn.Sequential(*convolution(wide, wider, stride=2), *convolution(wider, wider)[:-1]),
    )


def _average() -> list[nn.Module]:
    """Return the global average pooling of maps ``[N, K, H, W]`` to ``[N, K]``."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
