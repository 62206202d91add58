"""How the weights of a network lie in memory."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar('Network', bound=nn.Module)


def laid_out(network: Network, order: torch.memory_format) -> Network:
    """Return ``network`` itself with its kernels in ``order``, as ``nn.Module.to`` lays them."""
    for value in network.parameters():
        if value.dim() == 4:
            value.data = value.data.to(memory_format=order)
    return network
