"""open_clip's causal text tower as `text.pt`: `prefill` for what all texts share, `extend` for the tree of the rest."""

from typing import Any

import torch
import torch.nn.functional as F
from open_clip.transformer import LayerNorm, LayerNormFp32, LayerScale, QuickGELU, ResidualAttentionBlock
from torch import nn

from .. import operators  # noqa: F401  registers interrogator::tree_attention, which scripting looks up
from ..activations import QuickGelu
from ..errors import UnsupportedError


class Scale(nn.Module):
    """LayerScale: a learned factor for each channel."""

    def __init__(self, gamma: torch.Tensor):
        super().__init__()
        self.gamma = nn.Parameter(gamma.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gamma


class MatrixProjection(nn.Module):
    """x @ weight, with weight [width, embedDim]."""

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class CausalBlock(nn.Module):
    """One pre-norm transformer block, its attention split into the parts that prefill and extend put together."""

    heads: torch.jit.Final[int]

    def __init__(self, source: ResidualAttentionBlock):
        super().__init__()
        self.heads = source.attn.num_heads
        width = source.attn.embed_dim
        self.ln_1 = _layer_norm(source.ln_1)
        self.qkv = nn.Linear(width, 3 * width, bias=source.attn.in_proj_bias is not None)
        self.qkv.weight = source.attn.in_proj_weight
        if source.attn.in_proj_bias is not None:
            self.qkv.bias = source.attn.in_proj_bias
        self.out = nn.Linear(width, width, bias=source.attn.out_proj.bias is not None)
        self.out.load_state_dict(source.attn.out_proj.state_dict())
        self.ls_1 = _layer_scale(source.ls_1)
        self.ln_2 = _layer_norm(source.ln_2)
        self.fc = source.mlp.c_fc
        self.act = _activation(source.mlp.gelu)
        self.proj = source.mlp.c_proj
        self.ls_2 = _layer_scale(source.ls_2)

    def attention_inputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x [T, width] -> q, k, v, each [T, heads, headDim]."""
        qkv = self.qkv(self.ln_1(x)).view(x.shape[0], 3, self.heads, -1)
        return qkv[:, 0], qkv[:, 1], qkv[:, 2]

    def queries_of(self, x: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As attention_inputs, with q of these rows of x alone."""
        width = x.shape[1]
        bias = self.qkv.bias
        q_bias = None if bias is None else bias[:width]
        kv_bias = None if bias is None else bias[width:]
        x = self.ln_1(x)
        q = F.linear(x.index_select(0, rows), self.qkv.weight[:width], q_bias)
        kv = F.linear(x, self.qkv.weight[width:], kv_bias).view(x.shape[0], 2, self.heads, -1)
        return q.view(rows.shape[0], self.heads, -1), kv[:, 0], kv[:, 1]

    def finish(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What follows the attention: x and attended [T, width] -> [T, width]."""
        x = x + self.ls_1(self.out(attended))
        return x + self.ls_2(self.proj(self.act(self.fc(self.ln_2(x)))))


class CausalText(nn.Module):
    """The contract of `text.pt` in docs/bundle-format.md."""

    last: torch.jit.Final[int]
    scale: torch.jit.Final[float]

    def __init__(self, tower: nn.Module):
        super().__init__()
        self.token_embedding = nn.Parameter(tower.token_embedding.weight.detach())
        self.positional_embedding = nn.Parameter(tower.positional_embedding.detach())
        self.blocks = nn.ModuleList(CausalBlock(block) for block in tower.transformer.resblocks)
        self.last = len(self.blocks) - 1
        attention = tower.transformer.resblocks[0].attn
        self.scale = float((attention.embed_dim // attention.num_heads) ** -0.5)
        self.ln_final = _layer_norm(tower.ln_final)
        self.projection = _projection(tower.text_projection)

    @torch.jit.export
    def prefill(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = F.embedding(ids, self.token_embedding) + self.positional_embedding[: ids.shape[0]]
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        for index, block in enumerate(self.blocks):
            q, k, v = block.attention_inputs(x)
            k = k.transpose(0, 1)
            v = v.transpose(0, 1)
            keys.append(k)
            values.append(v)
            if index < self.last:
                attended = F.scaled_dot_product_attention(
                    q.transpose(0, 1).unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), None, 0.0, True
                )
                x = block.finish(x, attended.squeeze(0).transpose(0, 1).reshape(x.shape))
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
            if index < self.last:
                q, k, v = block.attention_inputs(x)
            else:
                # Nothing but the end nodes is read from here on.
                q, k, v = block.queries_of(x, ends)
                x = x.index_select(0, ends)
                ancestors = ancestors.index_select(0, ends)
            attended = torch.ops.interrogator.tree_attention(q, k, v, keys[index], values[index], ancestors, self.scale)
            x = block.finish(x, attended.reshape(x.shape))
        return F.normalize(self.projection(self.ln_final(x)).float(), dim=-1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Feature of one text given as its ids [T], the end token last: [1, embedDim]."""
        keys, values = self.prefill(ids[:1])
        count = ids.shape[0] - 1
        depth = torch.arange(count, device=ids.device)
        ancestors = depth.unsqueeze(0).expand(count, count)
        ancestors = torch.where(ancestors <= depth.unsqueeze(1), ancestors, torch.full_like(ancestors, -1))
        return self.extend(keys, values, ids[1:], depth, ancestors, depth[-1:])


def text_tower(model: nn.Module) -> nn.Module:
    """The module that holds the text tower's weights: open_clip's CLIP is its own text tower, others have one."""
    return getattr(model, "text", model)


def refusal(model: nn.Module, eot_id: int) -> str | None:
    """Why this model's text tower is not a causal one that can be exported, or None where it is."""
    tower = text_tower(model)
    if not hasattr(tower, "transformer") or not hasattr(tower.transformer, "resblocks"):
        return "text tower from transformers"
    pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", None))
    eos = getattr(tower, "text_eos_id", getattr(tower, "eos_id", None))
    if tower.attn_mask is None:
        return "bidirectional text tower"
    if getattr(tower, "cls_emb", None) is not None:
        return "text tower with a class token (CoCa)"
    if pool != "argmax" and not (pool == "eos" and eos == eot_id):
        return f"text tower that pools with '{pool}' instead of at the end token"
    if any(not isinstance(block, ResidualAttentionBlock) for block in tower.transformer.resblocks):
        return "text tower with custom attention blocks"
    return None


def script_text(model: nn.Module) -> torch.jit.ScriptModule:
    """`text.pt` of an open_clip model whose text tower `refusal` accepts."""
    return torch.jit.script(CausalText(text_tower(model)).eval())


def text_fields(model: nn.Module, tokenizer: Any) -> dict[str, Any]:
    """The manifest's `text`, all but the file name."""
    tower = text_tower(model)
    return {
        "tower": "causal",
        "contextLength": int(tokenizer.context_length),
        "vocabSize": int(tower.token_embedding.weight.shape[0]),
        "layers": len(tower.transformer.resblocks),
        "heads": int(tower.transformer.resblocks[0].attn.num_heads),
        "width": int(tower.token_embedding.weight.shape[1]),
        "padId": 0,
        "sotId": int(tokenizer.sot_token_id),
        "eotId": int(tokenizer.eot_token_id),
    }


def _layer_norm(source: nn.Module) -> nn.LayerNorm:
    if not isinstance(source, (LayerNorm, LayerNormFp32, nn.LayerNorm)):
        raise UnsupportedError(f"text tower with {type(source).__name__} in place of a layer norm is not supported yet")
    norm = nn.LayerNorm(source.normalized_shape, eps=source.eps)
    norm.load_state_dict(source.state_dict())
    return norm


def _layer_scale(source: nn.Module) -> nn.Module:
    return Scale(source.gamma) if isinstance(source, LayerScale) else nn.Identity()


def _activation(source: nn.Module) -> nn.Module:
    if isinstance(source, QuickGELU):
        return QuickGelu()
    if isinstance(source, nn.GELU):
        return nn.GELU(approximate=source.approximate)
    raise UnsupportedError(f"text tower with activation {type(source).__name__} is not supported yet")


def _projection(source: Any) -> nn.Module:
    if source is None:
        return nn.Identity()
    if isinstance(source, nn.Linear):
        return source
    return MatrixProjection(source)
