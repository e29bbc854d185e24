"""Attention within whole texts."""

import torch
import torch.nn.functional as F


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, batch: int, mask: torch.Tensor | None) -> torch.Tensor:
    """q [B * Q, heads, headDim], k and v [B * T, heads, headDim] -> [B * Q, heads * headDim].

    mask, where there is one: bool [B or 1, heads or 1, Q or 1, T], true where a query attends to a key.
    """
    attended = F.scaled_dot_product_attention(in_heads(q, batch), in_heads(k, batch), in_heads(v, batch), mask)
    return attended.transpose(1, 2).flatten(2).flatten(0, 1)


def in_heads(x: torch.Tensor, batch: int) -> torch.Tensor:
    """[B * T, heads, headDim] -> [B, heads, T, headDim]."""
    return x.view(batch, x.shape[0] // max(batch, 1), x.shape[1], x.shape[2]).transpose(1, 2)


def unless_all(present: torch.Tensor) -> torch.Tensor | None:
    """The mask of keys [B, 1, 1, T] of a bool [B, T], and none where all are present: it costs time."""
    if bool(present.all()):
        return None
    return present[:, None, None, :]
