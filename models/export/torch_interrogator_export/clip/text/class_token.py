"""CoCa's causal text tower with a class token behind the text, as a bidirectional `text.pt`."""

import torch
import torch.nn.functional as F
from torch import nn

from .attention import attend
from .whole import WholeText


class ClassTokenText(WholeText):
    """ids int64 [B, T], T up to the context -> unit rows float32 [B, embedDim].

    The class token stands at the position behind the whole context and is all that is read. open_clip shifts the mask of
    padding by one, which its weights were trained with: a key is masked where the id *before* it is the padding's. So of
    the padding only the first token is ever seen, and the class token sees itself only behind a text that fills the context.
    """

    context: torch.jit.Final[int]
    pad: torch.jit.Final[int]
    shift: torch.jit.Final[bool]

    def __init__(self, tower: nn.Module):
        super().__init__(tower)
        self.context, self.pad, self.shift = int(tower.context_length), int(tower.pad_id), not tower.correct_cls_mask
        self.class_embedding = nn.Parameter(tower.cls_emb.detach())

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        # What stands behind the first padding is seen by nothing that is read.
        if ids.shape[1] < self.context:
            ids = torch.constant_pad_nd(ids, [0, 1], self.pad)
        batch, length = ids.shape[0], ids.shape[1]
        x = torch.embedding(self.token_embedding, ids) + self.positional_embedding[:length]
        end = (self.class_embedding + self.positional_embedding[self.context]).expand(batch, 1, -1)
        x = torch.cat([x, end], dim=1).flatten(0, 1)
        mask = self.mask(ids)
        for block in self.blocks:
            q, k, v = block.attention_inputs(x)
            x = block.finish(x, attend(q, k, v, batch, mask))
        k, v = self.last.keys_and_values(x)
        x = x.view(batch, length + 1, x.shape[1])[:, length].contiguous()
        x = self.last.finish(x, attend(self.last.queries(x), k, v, batch, mask[:, :, length:]))
        return F.normalize(self.projection(self.ln_final(x)).float(), dim=-1)

    def mask(self, ids: torch.Tensor) -> torch.Tensor:
        """Who attends to whom: ids [B, T] -> bool [B, 1, T + 1, T + 1], the class token last."""
        seen = ids != self.pad
        always = torch.ones_like(seen[:, :1])
        keys = torch.cat([always, seen] if self.shift else [seen, always], dim=1)
        count = keys.shape[1]
        causal = torch.ones(count, count, dtype=torch.bool, device=ids.device).tril()
        return causal & keys[:, None, None, :]
