"""open_clip's text tower without a causal mask (SigLIP, CLIPA, MobileCLIP) as a bidirectional `text.pt`."""

import torch
import torch.nn.functional as F
from torch import nn

from .attention import attend
from .whole import WholeText

# Where a text's feature may be read.
POOLS = ("first", "last", "argmax", "eos")


class BidirectionalText(WholeText):
    """ids int64 [B, T], T up to the context -> unit rows float32 [B, embedDim].

    The network was trained on padded texts and attends to the padding, so it pads. From the last block on there is only the
    token that is read.
    """

    context: torch.jit.Final[int]
    pad: torch.jit.Final[int]
    end: torch.jit.Final[int]
    pool: torch.jit.Final[str]

    def __init__(self, tower: nn.Module, pad: int, pool: str, end: int):
        super().__init__(tower)
        self.context, self.pad, self.pool, self.end = int(tower.positional_embedding.shape[0]), pad, pool, end

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        ids = torch.constant_pad_nd(ids, [0, self.context - ids.shape[1]], self.pad)
        batch = ids.shape[0]
        x = (torch.embedding(self.token_embedding, ids) + self.positional_embedding).flatten(0, 1)
        for block in self.blocks:
            q, k, v = block.attention_inputs(x)
            x = block.finish(x, attend(q, k, v, batch, None))
        k, v = self.last.keys_and_values(x)
        x = x.index_select(0, torch.arange(batch, device=ids.device) * self.context + self.read(ids))
        x = self.last.finish(x, attend(self.last.queries(x), k, v, batch, None))
        return F.normalize(self.projection(self.ln_final(x)).float(), dim=-1)

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """The position whose output is the text's feature: ids [B, context] -> [B]."""
        if self.pool == "argmax":
            return ids.argmax(dim=-1)
        if self.pool == "eos":
            return (ids == self.end).int().argmax(dim=-1)
        return torch.full_like(ids[:, 0], 0 if self.pool == "first" else self.context - 1)
