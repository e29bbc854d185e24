"""Activation functions by the names that configurations use, as modules that script."""

import torch
from torch import nn

from .errors import UnsupportedError


class QuickGelu(nn.Module):
    """x * sigmoid(1.702 x), OpenAI's approximation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # In place: one tensor is written instead of three, with the same result to the bit.
        return (1.702 * x).sigmoid_().mul_(x)


_ACTIVATIONS = {
    "gelu": nn.GELU,
    "gelu_new": lambda: nn.GELU(approximate="tanh"),
    "gelu_pytorch_tanh": lambda: nn.GELU(approximate="tanh"),
    "quick_gelu": QuickGelu,
    "gelu_fast": lambda: nn.GELU(approximate="tanh"),
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """The module of a transformers activation name; UnsupportedError for one that is not known."""
    if name not in _ACTIVATIONS:
        raise UnsupportedError(f"activation '{name}' is not supported; known are {', '.join(sorted(_ACTIVATIONS))}")
    return _ACTIVATIONS[name]()
