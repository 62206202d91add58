"""
Start a training from a former one's weights instead of from random ones.

A run knows its weights by name, so that the network may have grown since.  An exported file
has no batch normalisations any more: they are part of its convolutions.  They are put back such
that the network predicts as the file does, also while it trains.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .architectures import PIXEL_SCALE, Residual
from .checkpoints import averaged_weights, finished_checkpoint
from .detection.network import FaceDetector
from .exported import graph_of
from .recipe import RecipeError

#: Root mean square of a normalised kernel in a long training, where its growth by noisy steps and
#: the decay of weights are in balance.
SETTLED = 0.25
#: An output's kernel is made larger or smaller by this factor at most.
MOST_RESCALED = 8.0


@torch.no_grad()
def start_from(network: nn.Module, path: Path | str, images: Tensor) -> None:
    """
    Set the weights of ``network`` to those of the exported file, or of the run, at ``path``.

    ``images`` float ``[N, C, H, W]``, 0..255, are what the statistics of the normalisations are
    measured on: some hundred training images.  A last layer of another size (other classes)
    keeps its random weights.  What a file or a run lacks may be residual blocks (of a file: one),
    which then begin by adding nothing, and what a run lacks the edges of kernels, which begin with
    zeros, and channels, which no former one listens to at first.  Raises ``RecipeError`` when the
    file or run is of another architecture, ``ModelError`` when the file is none.
    """
    if Path(path).is_dir():
        _start_from_run(network, Path(path))
        return
    weights = list(_convolutions(path))
    grown = _block_that_is_new(network, [weight.shape for weight, _ in weights])
    new = set(grown.modules()) if grown is not None else set()
    layers = [layer for layer in _in_order_of_the_file(network) if layer not in new]
    if len(weights) != len(layers):
        raise RecipeError(
            f"{path} has {len(weights)} convolutions, the recipe's network "
            f'{len(layers)}: it is of another architecture'
        )
    for number, (layer, (weight, bias)) in enumerate(zip(layers, weights, strict=True)):
        if layer.weight.shape != weight.shape:
            if layer in _last_layers(network):
                continue
            raise RecipeError(
                f'{path}: convolution {number} is {tuple(weight.shape)}, not '
                f'{tuple(layer.weight.shape)}: it is of another architecture'
            )
        scale = getattr(network, 'pixel_scale', PIXEL_SCALE) if number == 0 else 1
        layer.weight.copy_(weight * scale)
        norm = _normalisation_of(network, layer)
        if norm is not None and bias is not None:
            norm.weight.fill_(1)
            norm.bias.copy_(bias)
        elif layer.bias is not None and bias is not None:
            layer.bias.copy_(bias)
    _restore_statistics(network, images, grown)
    _settle(network)


def _start_from_run(network: nn.Module, run: Path) -> None:
    """Set the weights of ``network`` to the averaged ones of ``run``, by name."""
    former, own = averaged_weights(finished_checkpoint(run)), network.state_dict()
    new = {
        name
        for name, block in network.named_modules()
        if isinstance(block, Residual) and not any(key.startswith(f'{name}.') for key in former)
    }
    grown = {key for key in own if any(key.startswith(f'{name}.') for name in new)}
    if former.keys() != own.keys() - grown:
        raise RecipeError(
            f'{run} is of another architecture: its network has '
            f'{sorted(former.keys() ^ (own.keys() - grown))[0]} or lacks it'
        )
    last = _last_layers(network)
    outputs = {name for name, layer in network.named_modules() if layer in last}
    for name, value in former.items():
        more = [larger - smaller for larger, smaller in zip(own[name].shape, value.shape)]
        channels, edges = more[:2], more[2:]
        new_output = name.rpartition('.')[0] in outputs and any(channels[:1])
        if min(more, default=0) < 0 or any(edge % 2 for edge in edges) or new_output:
            raise RecipeError(
                f'{run} is of another architecture: {name} is '
                f'{tuple(value.shape)}, not {tuple(own[name].shape)}'
            )
        _set_former(own[name], value)
    for name in new:
        _add_nothing(network.get_submodule(name))


def _set_former(larger: Tensor, value: Tensor) -> None:
    """Copy ``value`` to the first channels of ``larger``, zeros around it; new channels stay."""
    if value.ndim == 0:
        larger.copy_(value)
        return
    former = larger[: len(value)].zero_()
    edges = [more - side for more, side in zip(former.shape[2:], value.shape[2:])]
    middle = (slice(edge // 2, edge // 2 + side) for edge, side in zip(edges, value.shape[2:]))
    former[(slice(None), *(slice(side) for side in value.shape[1:2]), *middle)] = value


def _block_that_is_new(network: nn.Module, shapes: list[torch.Size]) -> nn.Module | None:
    """Return the residual block without which the convolutions of ``network`` have ``shapes``."""
    layers = _in_order_of_the_file(network)
    for block in reversed([each for each in network.modules() if isinstance(each, Residual)]):
        own = set(block.modules())
        if [layer.weight.shape for layer in layers if layer not in own] == shapes:
            return block
    return None


def _add_nothing(block: nn.Module) -> None:
    """Make the branch of a residual block return zeros, to learn what to add."""
    last = [each for each in block.modules() if isinstance(each, nn.BatchNorm2d)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


def _convolutions(path: Path | str) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yield kernel and bias of each convolution of the file, in its order."""
    graph = graph_of(Path(path)).graph
    stored = {entry.name: entry for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == 'Conv':
            if not stored.keys() >= set(node.input[1:]):
                raise RecipeError(f'{path} keeps its kernels elsewhere: it is of another program')
            arrays = [
                torch.from_numpy(numpy_helper.to_array(stored[name]).copy())
                for name in node.input[1:]
            ]
            yield arrays[0], arrays[1] if len(arrays) > 1 else None


def _in_order_of_the_file(network: nn.Module) -> list[nn.Conv2d]:
    """Return the convolutions in the order in which they are exported."""
    exported = network.exported_modules() if isinstance(network, FaceDetector) else [network]
    return [
        layer for module in exported for layer in module.modules() if isinstance(layer, nn.Conv2d)
    ]


def _last_layers(network: nn.Module) -> list[nn.Conv2d]:
    """Return the convolutions without a normalisation that give the outputs: those with a bias."""
    return [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and layer.bias is not None
    ]


def _normalisation_of(network: nn.Module, layer: nn.Conv2d) -> nn.BatchNorm2d | None:
    """Return the batch normalisation just behind ``layer``, if there is one."""
    for parent in network.modules():
        children = list(parent.children())
        for child, following in zip(children, children[1:]):
            if child is layer:
                return following if isinstance(following, nn.BatchNorm2d) else None
    return None


def _restore_statistics(network: nn.Module, images: Tensor, grown: nn.Module | None) -> None:
    """
    Make each normalisation add its bias, and nothing else, to what ``images`` give it.

    A block that has ``grown`` adds nothing at all.
    """

    def measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        mean = inputs[0].mean(dim=(0, 2, 3))
        variance = inputs[0].var(dim=(0, 2, 3), unbiased=False)
        norm.running_mean, norm.running_var = mean.clone(), variance.clone()
        norm.bias.add_(mean)
        norm.weight.copy_((variance + norm.eps).sqrt())
        if grown is not None:
            _add_nothing(grown)

    hooks = [
        module.register_forward_pre_hook(measure)
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    try:
        network.eval()(images)
    finally:
        for hook in hooks:
            hook.remove()
        network.train()


def _settle(network: nn.Module) -> None:
    """
    Give the kernels in front of normalisations the size that they have in a long training.

    It changes no prediction, but how far a step turns them: those of a file carry the factors of
    its normalisations, and small ones would be turned too far for a hundred epochs.
    """
    for layer in (each for each in network.modules() if isinstance(each, nn.Conv2d)):
        norm = _normalisation_of(network, layer)
        if norm is None or norm.running_mean is None or norm.running_var is None:
            continue
        sizes = layer.weight.square().mean(dim=(1, 2, 3)).sqrt()
        factors = (SETTLED / sizes).clamp(1 / MOST_RESCALED, MOST_RESCALED)
        layer.weight.mul_(factors[:, None, None, None])
        norm.running_mean.mul_(factors)
        former = (norm.running_var + norm.eps).sqrt()
        norm.running_var.mul_(factors**2)
        norm.weight.mul_((norm.running_var + norm.eps).sqrt() / (former * factors))
