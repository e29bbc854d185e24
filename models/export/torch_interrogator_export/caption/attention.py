"""Attention over a cache and over what comes before it, for decoders whose image is a prefix of the text."""

import torch
import torch.nn.functional as F


def split(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[B, T, width] -> [B, heads, T, headDim]."""
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def joined(x: torch.Tensor) -> torch.Tensor:
    """[B, heads, T, headDim] -> [B, T, width]."""
    return x.transpose(1, 2).flatten(2)


def causal_mask(count: int, before: int, device: torch.device) -> torch.Tensor | None:
    """Which of `before + count` tokens each of the last `count` attends to: bool [count, before + count]; None: to all."""
    if count == 1:
        return None
    return torch.ones(count, before + count, dtype=torch.bool, device=device).tril(before)


def attend_with_prefix(
    query: torch.Tensor,
    prefix_keys: torch.Tensor,
    prefix_values: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """query [B, heads, T, headDim], the others with their own lengths: the prefix first."""
    return F.scaled_dot_product_attention(
        query, torch.cat([prefix_keys, keys], dim=2), torch.cat([prefix_values, values], dim=2), mask
    )
