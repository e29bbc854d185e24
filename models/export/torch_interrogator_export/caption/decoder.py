"""What decoders of every family give: logits after ids, with caches that the caller holds."""

import torch
from torch import nn


class CaptionDecoder(nn.Module):
    """The contract of `decoder.pt` in docs/bundle-format.md.

    A family adds `cross`, `hidden`, which is what its layers make of ids [B, T] ([B, T, width]), and `logits`, of
    [..., width] ([..., vocabSize]).
    """

    @torch.jit.export
    def step(
        self,
        ids: torch.Tensor,
        position: int,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        """Logits [B, vocabSize] after the last of ids [B, T]."""
        return self.logits(self.hidden(ids, position, keys, values, cross_keys, cross_values)[:, -1])

    @torch.jit.export
    def step_each(
        self,
        ids: torch.Tensor,
        position: int,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        """Logits [B, T, vocabSize] after each of ids [B, T]."""
        return self.logits(self.hidden(ids, position, keys, values, cross_keys, cross_values))
