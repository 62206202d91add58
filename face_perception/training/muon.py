"""An optimiser for kernels that are matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import overload

import torch
from torch import Tensor

#: Coefficients of the polynomial that brings singular values near 1 in few steps, and the steps.
QUINTIC, STEPS = (3.4445, -4.7750, 2.0315), 5
#: Size of an update, root mean square, beside that of Adam (Liu et al. 2025).
SCALE = 0.2
#: Kernels with fewer outputs are left to Adam: their matrices are rows.
FEWEST_OUTPUTS = 8
EPSILON = 1e-8


class Muon(torch.optim.Optimizer):
    """
    Momentum whose matrices are made orthogonal (Jordan et al. 2024; Liu et al. 2025).

    It takes dense and point-wise convolutions and matrices, ``[O, I, ...]`` as ``[O, I ...]``.
    Depth-wise kernels, biases, normalisations and last layers with few outputs follow Adam
    (Kingma and Ba 2015) at the same rate.  ``weight_decay`` is decoupled for both.
    """

    def __init__(
        self,
        groups: Iterable[dict],
        learning_rate: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        """Take parameter groups as other optimisers do."""
        super().__init__(
            groups, {'lr': learning_rate, 'momentum': momentum, 'betas': betas, 'weight_decay': 0.0}
        )

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Change every parameter that has a gradient, which ``closure``, if any, may give it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            changed = [(value, value.grad) for value in group['params'] if value.grad is not None]
            matrices = [(value, gradient) for value, gradient in changed if is_matrix(value)]
            directions = orthogonal_all(
                [self._ahead(value, gradient, group) for value, gradient in matrices]
            )
            matrix = {id(value): way for (value, _), way in zip(matrices, directions, strict=True)}
            for value, gradient in changed:
                value.mul_(1 - group['lr'] * group['weight_decay'])
                way = matrix.get(id(value))
                way = self._adam(value, gradient, group) if way is None else way.view_as(value)
                value.add_(way, alpha=-group['lr'])
        return loss

    def _ahead(self, value: Tensor, gradient: Tensor, group: dict) -> Tensor:
        """Return Nesterov's momentum of the ``gradient`` of ``value`` as a matrix."""
        state = self.state[value]
        if not state:
            state['mean'] = torch.zeros_like(value)
        state['mean'].lerp_(gradient, 1 - group['momentum'])
        return gradient.lerp(state['mean'], group['momentum']).flatten(1)

    def _adam(self, value: Tensor, gradient: Tensor, group: dict) -> Tensor:
        """Return the direction to go against, each number scaled by its own size."""
        state, (first, second) = self.state[value], group['betas']
        if not state:
            state['steps'] = 0
            state['mean'], state['square'] = torch.zeros_like(value), torch.zeros_like(value)
        state['steps'] += 1
        state['mean'].lerp_(gradient, 1 - first)
        state['square'].lerp_(gradient**2, 1 - second)
        mean = state['mean'] / (1 - first ** state['steps'])
        square = state['square'] / (1 - second ** state['steps'])
        return mean / (square.sqrt() + EPSILON)


def is_matrix(value: Tensor) -> bool:
    """Tell whether ``value`` is a kernel with several inputs and enough outputs."""
    return value.ndim > 1 and value.shape[1] > 1 and value.shape[0] >= FEWEST_OUTPUTS


def orthogonal_all(matrices: list[Tensor]) -> list[Tensor]:
    """Return ``orthogonal`` of each, scaled to a step; those of one shape are done together."""
    shapes: dict[torch.Size, list[int]] = {}
    for number, matrix in enumerate(matrices):
        shapes.setdefault(matrix.shape, []).append(number)
    steps = list(matrices)
    for shape, numbers in shapes.items():
        stacked = orthogonal(torch.stack([matrices[number] for number in numbers]))
        for number, step in zip(numbers, stacked * (SCALE * max(shape) ** 0.5), strict=True):
            steps[number] = step
    return steps


def orthogonal(matrices: Tensor) -> Tensor:
    """Return about the nearest matrices ``[N, O, I]`` with singular values of 1 (Newton-Schulz)."""
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if tall else matrices
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + EPSILON)
    for _ in range(STEPS):
        square = wide @ wide.mT
        wide = a * wide + (b * square + c * square @ square) @ wide
    return wide.mT if tall else wide
