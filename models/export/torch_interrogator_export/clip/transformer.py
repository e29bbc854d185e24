"""open_clip's residual attention block in the parts that our towers put together, for tokens [N, width]."""

import torch
from open_clip.transformer import LayerNorm, LayerNormFp32, QuickGELU, ResidualAttentionBlock
from torch import nn

from ..activations import QuickGelu
from ..errors import UnsupportedError
from ..linear import linear


class Block(nn.Module):
    """One pre-norm transformer block, all but the way to its queries, keys and values."""

    heads: torch.jit.Final[int]

    def __init__(self, source: ResidualAttentionBlock):
        super().__init__()
        self.heads = source.attn.num_heads
        self.ln_1 = layer_norm(source.ln_1)
        self.out = linear(source.attn.out_proj.weight, source.attn.out_proj.bias)
        self.ls_1 = source.ls_1
        self.ln_2 = layer_norm(source.ln_2)
        self.fc = source.mlp.c_fc
        self.act = _activation(source.mlp.gelu)
        self.proj = source.mlp.c_proj
        self.ls_2 = source.ls_2

    def finish(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What follows the attention: x and attended [N, width] -> [N, width]."""
        x = x + self.ls_1(self.out(attended))
        return x + self.ls_2(self.proj(self.act(self.fc(self.ln_2(x)))))


class FullBlock(Block):
    """A block that all tokens go through."""

    def __init__(self, source: ResidualAttentionBlock):
        super().__init__(source)
        self.qkv = _part_of(source, 0, 3)

    def attention_inputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x [N, width] -> q, k, v, each [N, heads, headDim]."""
        qkv = self.qkv(self.ln_1(x)).view(x.shape[0], 3, self.heads, -1)
        return qkv[:, 0], qkv[:, 1], qkv[:, 2]


class EndBlock(Block):
    """A tower's last block: of the tokens that nothing reads any more there are only keys and values."""

    def __init__(self, source: ResidualAttentionBlock):
        super().__init__(source)
        self.q = _part_of(source, 0, 1)
        self.kv = _part_of(source, 1, 3)

    def queries(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, width] -> [N, heads, headDim]."""
        return self.q(self.ln_1(x)).view(x.shape[0], self.heads, -1)

    def keys_and_values(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x [N, width] -> k, v, each [N, heads, headDim]."""
        kv = self.kv(self.ln_1(x)).view(x.shape[0], 2, self.heads, -1)
        return kv[:, 0], kv[:, 1]


def are_plain_blocks(transformer: nn.Module) -> bool:
    """Whether a tower's blocks are the ones that FullBlock and EndBlock stand for."""
    return all(isinstance(block, ResidualAttentionBlock) for block in transformer.resblocks)


def layer_norm(source: nn.Module) -> nn.LayerNorm:
    """The same in the tensor's own type: libtorch's accumulates in float32."""
    if not isinstance(source, (LayerNorm, LayerNormFp32, nn.LayerNorm)):
        raise UnsupportedError(f"{type(source).__name__} in place of a layer norm is not supported yet")
    norm = nn.LayerNorm(source.normalized_shape, eps=source.eps)
    norm.weight, norm.bias = source.weight, source.bias
    return norm


def projection(source: torch.Tensor | nn.Linear | None) -> nn.Module:
    """A tower's last step, as open_clip keeps it: x @ source, with source [width, embedDim], or a layer, or none."""
    if source is None:
        return nn.Identity()
    if isinstance(source, nn.Linear):
        return source
    return linear(source.detach().t(), None)


def _part_of(source: ResidualAttentionBlock, first: int, last: int) -> nn.Linear:
    """The rows of the attention's input projection for queries (0 to 1), keys (1 to 2), values (2 to 3)."""
    attention, width = source.attn, source.attn.embed_dim
    rows = slice(first * width, last * width)
    bias = attention.in_proj_bias
    return linear(attention.in_proj_weight.detach()[rows], None if bias is None else bias.detach()[rows])


def _activation(source: nn.Module) -> nn.Module:
    if isinstance(source, QuickGELU):
        return QuickGelu()
    if isinstance(source, nn.GELU):
        return nn.GELU(approximate=source.approximate)
    raise UnsupportedError(f"activation {type(source).__name__} is not supported yet")
