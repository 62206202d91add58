"""The network is the paper's: four residual blocks, at most 60,000 parameters."""

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.architectures import (  # noqa: E402
    ARCHITECTURES,
    DepthwiseConvolution,
    Residual,
    count_parameters,
    deep_mini_xception,
    dilated_mini_xception,
    fully_convolutional,
    mini_xception,
)


@pytest.mark.parametrize('build', [mini_xception, deep_mini_xception, dilated_mini_xception])
@pytest.mark.parametrize('channels, classes', [(1, 7), (3, 2)])
def test_is_small(build, channels, classes):
    assert 50_000 < count_parameters(build(channels, classes)) <= 60_000


@pytest.mark.parametrize('build, blocks', [(mini_xception, 4), (deep_mini_xception, 6)])
def test_is_made_of_residual_blocks_of_two_separable_convolutions(build, blocks):
    found = [module for module in build(1, 7).modules() if isinstance(module, Residual)]
    assert len(found) == blocks
    for block in found:
        convolutions = [
            module for module in block.branch.modules() if isinstance(module, torch.nn.Conv2d)
        ]
        assert [module.kernel_size for module in convolutions] == [(3, 3), (1, 1)] * 2
        assert [module.groups == module.in_channels for module in convolutions] == [
            True,
            False,
            True,
            False,
        ]


def test_dilated_it_answers_what_the_strided_one_does_and_between():
    torch.manual_seed(0)
    strided, dilated = deep_mini_xception(1, 7).eval(), dilated_mini_xception(1, 7).eval()
    dilated.load_state_dict(strided.state_dict())
    image = torch.rand(2, 1, 48, 48) * 255
    maps = []
    for network in (strided, dilated):
        network.layers[-2].register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0]))
        network(image)
    coarse, fine = maps
    assert coarse.shape[2:] == (6, 6) and fine.shape[2:] == (12, 12)
    torch.testing.assert_close(fine[:, :, ::2, ::2], coarse)
    assert not torch.allclose(fine[:, :, 1::2, 1::2], coarse)


def test_the_larger_network_of_the_paper_has_nine_convolutions():
    network = fully_convolutional(1, 7)
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(convolutions) == 9 and 600_000 < count_parameters(network) < 700_000


@pytest.mark.parametrize('build', ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_batch_normalisation_follows_every_convolution_but_the_last(build):
    modules = list(build(1, 7).modules())
    convolutions = [module for module in modules if isinstance(module, torch.nn.Conv2d)]
    norms = [module for module in modules if isinstance(module, torch.nn.BatchNorm2d)]
    depthwise = [module for module in convolutions if module.groups > 1]
    assert len(norms) == len(convolutions) - len(depthwise) - 1
    assert not any(isinstance(module, torch.nn.Linear) for module in modules)


@pytest.mark.parametrize('build', ARCHITECTURES.values(), ids=ARCHITECTURES)
@pytest.mark.parametrize('size', [32, 48, 64])
def test_gives_one_row_of_logits_per_image(build, size):
    network = build(3, 2).eval()
    assert network(torch.rand(5, 3, size, size) * 255).shape == (5, 2)


@pytest.mark.parametrize('kernel', [3, 5])
@pytest.mark.parametrize('sides', [(32, 48), (31, 33)])
def test_a_depthwise_convolution_learns_what_it_computes(kernel, sides):
    torch.manual_seed(0)
    layer = DepthwiseConvolution(6, kernel, stride=2)
    outputs, gradients = [], []
    for training in (True, False):  # the detour by every pixel, and the strided convolution
        features = torch.rand(2, 6, *sides, generator=torch.Generator().manual_seed(1))
        outputs.append(layer.train(training)(features.requires_grad_()))
        gradients.append(torch.autograd.grad(outputs[-1].square().sum(), [features, layer.weight]))
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)
