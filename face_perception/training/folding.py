"""Prepare a trained network for inference: fewer layers, the same outputs."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .architectures import PIXEL_SCALE, Classifier
from .memory import laid_out


def folded(network: Classifier, temperature: float = 1.0) -> Classifier:
    """
    Return a copy of ``network`` whose ``layers`` map centred pixels to tempered logits.

    Centred pixels are -127.5..127.5.  Batch normalisations and the scale of the pixels go into
    the convolutions, the division by ``temperature`` into the last one.  The copy's ``forward``
    is not to be used: it would normalise once more.
    """
    network = laid_out(copy.deepcopy(network).eval(), torch.contiguous_format)
    fold_normalisations(network)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        convolutions[0].weight /= PIXEL_SCALE
        for value in convolutions[-1].parameters():
            value.div_(temperature)
    return network


def fold_normalisations(network: nn.Module) -> None:
    """Put each batch normalisation of ``network`` into the convolution just before it."""
    for parent in list(network.modules()):
        for (name, layer), (norm_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, norm_name, nn.Identity())
