"""
Start a training from a former one's weights instead of from random ones.

A run knows its weights by name, so that the network may have grown since.  An exported file
has no batch normalisations any more: they are part of its convolutions.  They are put back such
that the network predicts as the file does, also while it trains.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .architectures import PIXEL_SCALE, Residual
from .checkpoints import averaged_weights, finished_checkpoint
from .detection.network import FaceDetector
from .recipe import RecipeError


@torch.no_grad()
def start_from(network: nn.Module, path: Path | str, images: Tensor) -> None:
    """
    Set the weights of ``network`` to those of the exported file, or of the run, at ``path``.

    ``images`` float ``[N, C, H, W]``, 0..255, are what the statistics of the normalisations are
    measured on: some hundred training images.  A last layer of another size (other classes)
    keeps its random weights.  What a run's network lacks may be residual blocks, which then
    begin by adding nothing, and the edges of kernels, which begin with zeros.  Raises
    ``RecipeError`` when the file or run is of another architecture.
    """
    if Path(path).is_dir():
        _start_from_run(network, Path(path))
        return
    layers = _in_order_of_the_file(network)
    weights = list(_convolutions(path))
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
    _restore_statistics(network, images)


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
    for name, value in former.items():
        edges = [larger - smaller for larger, smaller in zip(own[name].shape, value.shape)]
        if any(edges[:2]) or any(edge < 0 or edge % 2 for edge in edges):
            raise RecipeError(
                f'{run} is of another architecture: {name} is '
                f'{tuple(value.shape)}, not {tuple(own[name].shape)}'
            )
        middle = tuple(slice(edge // 2, edge // 2 + side) for edge, side in zip(edges, value.shape))
        own[name].zero_()[middle] = value
    for name in new:
        norms = [
            module
            for module in network.get_submodule(f'{name}.branch').modules()
            if isinstance(module, nn.BatchNorm2d)
        ]
        nn.init.zeros_(norms[-1].weight)


def _convolutions(path: Path | str) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yield kernel and bias of each convolution of the file, in its order."""
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # whatever the file makes protobuf stumble over
        raise RecipeError(f'{path} cannot be read as an ONNX file: {error}') from error
    stored = {entry.name: entry for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == 'Conv':
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


def _restore_statistics(network: nn.Module, images: Tensor) -> None:
    """Make each normalisation add its bias, and nothing else, to what ``images`` give it."""

    def measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        mean = inputs[0].mean(dim=(0, 2, 3))
        variance = inputs[0].var(dim=(0, 2, 3), unbiased=False)
        norm.running_mean, norm.running_var = mean.clone(), variance.clone()
        norm.bias.add_(mean)
        norm.weight.copy_((variance + norm.eps).sqrt())

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
