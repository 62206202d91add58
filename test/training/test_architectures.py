"""The network is the paper's: four residual blocks, at most 60,000 parameters."""

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.architectures import (  # noqa: E402
    ResidualBlock,
    SeparableConv,
    count_parameters,
    mini_xception,
)


@pytest.mark.parametrize('channels, classes', [(1, 7), (3, 2), (3, 7)])
def test_is_small(channels, classes):
    assert 50_000 < count_parameters(mini_xception(channels, classes)) <= 60_000


def test_has_four_residual_blocks_of_separable_convolutions():
    network = mini_xception(1, 7)
    blocks = [module for module in network.modules() if isinstance(module, ResidualBlock)]
    assert len(blocks) == 4
    for block in blocks:
        pairs = [module for module in block.modules() if isinstance(module, SeparableConv)]
        assert len(pairs) == 2
        for depthwise, pointwise, _ in pairs:
            assert depthwise.groups == depthwise.in_channels
            assert pointwise.kernel_size == (1, 1)


def test_batch_normalisation_follows_every_convolution_but_the_last():
    modules = list(mini_xception(1, 7).modules())
    convolutions = [module for module in modules if isinstance(module, torch.nn.Conv2d)]
    norms = [module for module in modules if isinstance(module, torch.nn.BatchNorm2d)]
    depthwise = [module for module in convolutions if module.groups > 1]
    assert len(norms) == len(convolutions) - len(depthwise) - 1
    assert not any(isinstance(module, torch.nn.Linear) for module in modules)


@pytest.mark.parametrize('size', [32, 48, 64])
def test_gives_one_row_of_logits_per_picture(size):
    network = mini_xception(3, 2).eval()
    assert network(torch.rand(5, 3, size, size) * 255).shape == (5, 2)
