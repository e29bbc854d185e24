"""open_clip's causal text tower over texts without a start token, as a bidirectional `text.pt`.

A tree of texts begins with what all of them share, and these share nothing: whole texts are read.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .attention import attend
from .whole import WholeText


class CausalWholeText(WholeText):
    """ids int64 [B, T] with the end token, T up to the context -> unit rows float32 [B, embedDim]."""

    end: torch.jit.Final[int]

    def __init__(self, tower: nn.Module, end: int):
        super().__init__(tower)
        self.end = end

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        batch, length = ids.shape[0], ids.shape[1]
        x = (torch.embedding(self.token_embedding, ids) + self.positional_embedding[:length]).flatten(0, 1)
        mask = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        for block in self.blocks:
            q, k, v = block.attention_inputs(x)
            x = block.finish(x, attend(q, k, v, batch, mask))
        k, v = self.last.keys_and_values(x)
        # The first end token, as open_clip finds it.
        read = (ids == self.end).int().argmax(dim=-1)
        x = x.index_select(0, torch.arange(batch, device=ids.device) * length + read)
        x = self.last.finish(x, attend(self.last.queries(x), k, v, batch, mask[read][:, None, None, :]))
        return F.normalize(self.projection(self.ln_final(x)).float(), dim=-1)
