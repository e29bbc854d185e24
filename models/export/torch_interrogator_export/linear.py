"""Linear layers around weights that are there already."""

import torch
from torch import nn


def linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    """A layer whose weight [outputs, inputs] and bias are these very tensors: views of a source model stay views of it."""
    # Nothing is initialised on the meta device, so a layer costs neither time nor memory.
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = _parameter(weight)
    if bias is not None:
        layer.bias = _parameter(bias)
    return layer


def _parameter(tensor: torch.Tensor) -> nn.Parameter:
    return tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor.detach(), requires_grad=False)
