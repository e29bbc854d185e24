"""open_clip's causal text tower as `text.pt`: `prefill` for what all texts share, `extend` for the tree of the rest."""

import torch
import torch.nn.functional as F
from torch import nn

from .. import operators  # noqa: F401  registers interrogator::tree_attention, which scripting looks up
from ..transformer import EndBlock, FullBlock, are_plain_blocks, layer_norm, projection
from .special_tokens import CLIP


class CausalText(nn.Module):
    """The contract of `text.pt` in docs/bundle-format.md."""

    scale: torch.jit.Final[float]

    def __init__(self, tower: nn.Module):
        super().__init__()
        self.token_embedding = nn.Parameter(tower.token_embedding.weight.detach())
        self.positional_embedding = nn.Parameter(tower.positional_embedding.detach())
        blocks = tower.transformer.resblocks
        self.blocks = nn.ModuleList(FullBlock(block) for block in blocks[:-1])
        self.end = EndBlock(blocks[-1])
        attention = blocks[0].attn
        self.scale = float((attention.embed_dim // attention.num_heads) ** -0.5)
        self.ln_final = layer_norm(tower.ln_final)
        self.projection = projection(tower.text_projection)

    @torch.jit.export
    def prefill(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = F.embedding(ids, self.token_embedding) + self.positional_embedding[: ids.shape[0]]
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        for block in self.blocks:
            q, k, v = block.attention_inputs(x)
            q, k, v = q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1)
            keys.append(k)
            values.append(v)
            attended = F.scaled_dot_product_attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), None, 0.0, True)
            x = block.finish(x, attended.squeeze(0).transpose(0, 1).reshape(x.shape))
        k, v = self.end.keys_and_values(x)
        keys.append(k.transpose(0, 1))
        values.append(v.transpose(0, 1))
        return torch.stack(keys), torch.stack(values)

    @torch.jit.export
    def extend(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        ids: torch.Tensor,
        depth: torch.Tensor,
        ancestors: torch.Tensor,
        ends: torch.Tensor,
    ) -> torch.Tensor:
        x = F.embedding(ids, self.token_embedding) + F.embedding(depth + keys.shape[2], self.positional_embedding)
        for index, block in enumerate(self.blocks):
            q, k, v = block.attention_inputs(x)
            attended = torch.ops.interrogator.tree_attention(q, k, v, keys[index], values[index], ancestors, self.scale)
            x = block.finish(x, attended.reshape(x.shape))
        # Nothing but the end nodes is read from here on.
        k, v = self.end.keys_and_values(x)
        x = x.index_select(0, ends)
        ancestors = ancestors.index_select(0, ends)
        q = self.end.queries(x)
        attended = torch.ops.interrogator.tree_attention(q, k, v, keys[-1], values[-1], ancestors, self.scale)
        x = self.end.finish(x, attended.reshape(x.shape))
        return F.normalize(self.projection(self.ln_final(x)).float(), dim=-1)


def text_tower(model: nn.Module) -> nn.Module:
    """The module that holds the text tower's weights: open_clip's CLIP is its own text tower, others have one."""
    return getattr(model, "text", model)


def pools_at_the_end(pool: str, pooled_id: int, end: int) -> bool:
    """Whether a way to pool reads the end token, which is the only one that a tree of texts has an output for.

    open_clip's 'argmax' finds the largest id, and that is the end token of its own tokenizer.
    """
    return (pool == "argmax" and end == CLIP.end) or (pool == "eos" and pooled_id == end)


def pooling_refusal(pool: str) -> str:
    """Why a causal tower with another way to pool cannot be exported."""
    return f"text tower that pools with '{pool}' instead of at the end token"


def has_plain_blocks(tower: nn.Module) -> bool:
    """Whether the blocks of open_clip's own text tower are the plain ones."""
    return are_plain_blocks(tower.transformer)


def sizes(tower: nn.Module) -> dict[str, int]:
    """The manifest's sizes of open_clip's own text tower."""
    return {
        "vocabSize": int(tower.token_embedding.weight.shape[0]),
        "layers": len(tower.transformer.resblocks),
        "heads": int(tower.transformer.resblocks[0].attn.num_heads),
        "width": int(tower.token_embedding.weight.shape[1]),
    }
