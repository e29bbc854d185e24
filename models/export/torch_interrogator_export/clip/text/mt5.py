"""transformers' mT5 encoder."""

import torch
import torch.nn.functional as F
from torch import nn
from transformers.models.mt5.modeling_mt5 import MT5Attention

from ...activations import activation
from .attention import in_heads, unless_all


class Mt5(nn.Module):
    """ids int64 [B, T], T up to the context -> float [B, T, width], where the padding's id masks itself.

    What the layers add up is kept in float32: in float16 the largest of these models overflow.
    """

    pad: torch.jit.Final[int]
    longest: torch.jit.Final[int]

    def __init__(self, source: nn.Module, context: int):
        super().__init__()
        self.pad, self.longest = int(source.config.pad_token_id), context
        self.words = nn.Parameter(source.embed_tokens.weight.detach())
        # The layers share the first one's, one number a head for each bucket of distances.
        attention = source.block[0].layer[0].SelfAttention
        self.bias = nn.Parameter(attention.relative_attention_bias.weight.detach())
        distances = torch.arange(1 - context, context)
        buckets = (attention.relative_attention_num_buckets, attention.relative_attention_max_distance)
        self.register_buffer("buckets", MT5Attention._relative_position_bucket(distances, True, *buckets))
        self.layers = nn.ModuleList(
            Mt5Layer(block.layer[0], block.layer[-1], source.config.dense_act_fn) for block in source.block
        )
        self.norm = RmsNorm(source.final_layer_norm)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        batch, length = ids.shape[0], ids.shape[1]
        x = torch.embedding(self.words, ids).float().flatten(0, 1)
        bias = self.biases(length)
        mask = unless_all(ids != self.pad)
        if mask is not None:
            bias = bias.masked_fill(~mask, float("-inf"))
        for layer in self.layers:
            x = layer(x, batch, bias)
        return self.norm(x).view(batch, length, x.shape[1])

    def biases(self, length: int) -> torch.Tensor:
        """What is added to the scores by distance: [1, heads, T, T]."""
        each = torch.arange(length, device=self.buckets.device)
        buckets = self.buckets[each[None, :] - each[:, None] + (self.longest - 1)]
        return torch.embedding(self.bias, buckets).permute(2, 0, 1).unsqueeze(0)


class Mt5Layer(nn.Module):
    """A pre-norm layer with gated GELU: x float32 [B * T, width] -> the same."""

    heads: torch.jit.Final[int]

    def __init__(self, attention: nn.Module, feed_forward: nn.Module, activation_name: str):
        super().__init__()
        inner, dense = attention.SelfAttention, feed_forward.DenseReluDense
        self.heads = int(inner.n_heads)
        self.norm = RmsNorm(attention.layer_norm)
        self.q, self.k, self.v, self.o = inner.q, inner.k, inner.v, inner.o
        self.last_norm = RmsNorm(feed_forward.layer_norm)
        self.gate, self.fc, self.proj = dense.wi_0, dense.wi_1, dense.wo
        self.act = activation(activation_name)

    def forward(self, x: torch.Tensor, batch: int, bias: torch.Tensor) -> torch.Tensor:
        normed = self.norm(x)
        shape = [x.shape[0], self.heads, -1]
        q, k, v = self.q(normed).view(shape), self.k(normed).view(shape), self.v(normed).view(shape)
        # T5's scores are not scaled.
        attended = F.scaled_dot_product_attention(
            in_heads(q, batch), in_heads(k, batch), in_heads(v, batch), bias, 0.0, False, scale=1.0
        )
        x = x + self.o(attended.transpose(1, 2).flatten(2).flatten(0, 1))
        normed = self.last_norm(x)
        return x + self.proj(self.act(self.gate(normed)) * self.fc(normed))


class RmsNorm(nn.Module):
    """x float32 [N, width] over its root mean square, in the type of the weight."""

    eps: torch.jit.Final[float]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.weight, self.eps = source.weight, float(source.variance_epsilon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * x.to(self.weight.dtype)
