"""The first layer of a vision transformer."""

import torch
from torch import nn

from .errors import UnsupportedError
from .linear import linear


class PatchEmbedding(nn.Module):
    """A convolution whose stride is its kernel, as what it is: a linear layer for each patch."""

    height: torch.jit.Final[int]
    width: torch.jit.Final[int]

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        plain = convolution.padding == (0, 0) and convolution.dilation == (1, 1) and convolution.groups == 1
        if convolution.stride != convolution.kernel_size or convolution.in_channels != 3 or not plain:
            raise UnsupportedError(f"patches that are not apart, {convolution}, are not supported yet")
        self.height, self.width = convolution.kernel_size
        self.linear = linear(convolution.weight.detach().flatten(1), convolution.bias)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels [B, 3, H, W] -> [B, patches, channels]; rows and columns that fill no patch are left out."""
        rows = pixels.shape[2] // self.height
        columns = pixels.shape[3] // self.width
        pixels = pixels[:, :, : rows * self.height, : columns * self.width]
        patches = pixels.reshape(pixels.shape[0], 3, rows, self.height, columns, self.width).permute(0, 2, 4, 1, 3, 5)
        return self.linear(patches.reshape(pixels.shape[0], rows * columns, 3 * self.height * self.width))
