"""Kernels lie in memory as they are asked to, and stay what they are."""

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.memory import laid_out  # noqa: E402


def test_kernels_are_laid_out_and_stay_the_same():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 2))
    before = [value.clone() for value in network.parameters()]
    assert laid_out(network, torch.channels_last) is network
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(map(torch.equal, before, network.parameters()))
    laid_out(network, torch.contiguous_format)
    assert network[0].weight.is_contiguous()
