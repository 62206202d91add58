"""Prepare a trained network for inference: fewer layers, the same answers."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .architectures import MiniXception


def folded(network: MiniXception, temperature: float = 1.0) -> MiniXception:
    """
    Return a copy of ``network`` that maps pixel values 0..255 to tempered logits by itself.

    Batch normalisations go into the convolutions before them, the normalisation of the pixels
    into the first convolution (exact, as that one does not pad) and the division by
    ``temperature`` into the last.  Use its ``blocks``, ``stem`` and ``head``: its ``forward``
    would normalise once more.
    """
    network = copy.deepcopy(network).eval().to(memory_format=torch.contiguous_format)
    for parent in list(network.modules()):
        children = list(parent.named_children())
        for (name, layer), (norm_name, norm) in pairwise(children):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, norm_name, nn.Identity())
    first, head = network.stem[0], network.head
    with torch.no_grad():
        first.bias -= first.weight.sum(dim=(1, 2, 3))
        first.weight /= 127.5
        head.weight /= temperature
        head.bias /= temperature
    return network
