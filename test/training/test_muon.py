"""The optimiser for matrices: its steps are orthogonal, whatever the gradient's size."""

import copy

import pytest

torch = pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.muon import Muon, is_matrix, orthogonal_all  # noqa: E402


@pytest.mark.parametrize('shape', [(16, 48), (48, 16), (24, 24)])
def test_singular_values_become_about_one(shape):
    torch.manual_seed(0)
    (step,) = orthogonal_all([1e-3 * torch.randn(shape)])
    values = torch.linalg.svdvals(step) / (0.2 * max(shape) ** 0.5)
    assert values.min() > 0.3 and values.max() < 1.3


def test_matrices_of_one_shape_do_not_mix():
    torch.manual_seed(0)
    matrices = [torch.randn(8, 12), torch.randn(12, 8), torch.randn(8, 12)]
    for matrix, step in zip(matrices, orthogonal_all(matrices), strict=True):
        torch.testing.assert_close(step, orthogonal_all([matrix])[0])


def test_what_is_a_matrix():
    assert is_matrix(torch.zeros(16, 3, 3, 3)) and is_matrix(torch.zeros(16, 8))
    assert not is_matrix(torch.zeros(16, 1, 3, 3))  # depth-wise
    assert not is_matrix(torch.zeros(16)) and not is_matrix(torch.zeros(1, 64, 1, 1))


def test_finds_the_lowest_point_and_goes_on_as_it_would_have():
    torch.manual_seed(0)
    inputs, wanted = torch.randn(256, 12), torch.randn(12, 16)

    def made():
        weights = [torch.nn.Parameter(torch.zeros(16, 12)), torch.nn.Parameter(torch.zeros(16))]
        return weights, Muon([{'params': weights}], 0.1)

    def follow(weights, optimizer, steps):
        for _ in range(steps):
            loss = (inputs @ weights[0].T + weights[1] - inputs @ wanted).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    weights, optimizer = made()
    start = follow(weights, optimizer, 1)
    follow(weights, optimizer, 30)
    others, resumed = made()
    for value, other in zip(weights, others, strict=True):
        other.data.copy_(value)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert follow(weights, optimizer, 30) == follow(others, resumed, 30) < start / 10


def test_a_closure_makes_the_gradients():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = Muon([{'params': [weight]}], 0.1)

    def closure():
        loss = weight.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == 3
    assert float(weight.detach().max()) < 1
