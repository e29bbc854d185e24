"""T5's layers, which its encoder and its decoder share: RMS norms, relative positions, gated feed-forward."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from .attention import joined, split


class RmsNorm(nn.Module):
    """Scales, does not shift; computed in float32."""

    epsilon: torch.jit.Final[float]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.weight = source.weight
        self.epsilon = source.variance_epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any float x [..., width], in the weight's type."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.weight * wide.to(self.weight.dtype)


class RelativePositions(nn.Module):
    """What scores gain by the distance of two tokens: log-spaced buckets (Raffel et al. 2020, arXiv:1910.10683)."""

    buckets: torch.jit.Final[int]
    farthest: torch.jit.Final[int]
    bidirectional: torch.jit.Final[bool]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.weight = source.relative_attention_bias.weight
        self.farthest = source.relative_attention_max_distance
        self.bidirectional = not source.is_decoder
        # Of one direction.
        self.buckets = source.relative_attention_num_buckets // (2 if self.bidirectional else 1)

    def forward(self, first: int, queries: int, keys: int) -> torch.Tensor:
        """[1, heads, queries, keys] for queries that begin at position `first`, and keys at 0."""
        device = self.weight.device
        position = torch.arange(first, first + queries, device=device).unsqueeze(1)
        distance = torch.arange(keys, device=device).unsqueeze(0) - position
        bucket = torch.zeros_like(distance)
        if self.bidirectional:
            bucket = (distance > 0).to(torch.long) * self.buckets
            distance = distance.abs()
        else:
            distance = (-distance).clamp(min=0)
        # Half of them are a token wide, the others wider and wider.
        exact = self.buckets // 2
        spread = torch.log(distance.clamp(min=1).float() / exact) / math.log(self.farthest / exact) * (self.buckets - exact)
        far = (exact + spread.to(torch.long)).clamp(max=self.buckets - 1)
        bucket = bucket + torch.where(distance < exact, distance, far)
        return torch.embedding(self.weight, bucket).permute(2, 0, 1).unsqueeze(0)


class T5Attention(nn.Module):
    """Scores are not scaled: T5's initialisation makes up for it."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.heads = source.n_heads
        self.query, self.key, self.value, self.out = source.q, source.k, source.v, source.o

    def keys_and_values(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each [B, heads, T, headDim]."""
        return split(self.key(x), self.heads), split(self.value(x), self.heads)

    def forward(self, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        query = split(self.query(x), self.heads)
        return self.out(joined(F.scaled_dot_product_attention(query, keys, values, bias, scale=1.0)))


class FeedForward(nn.Module):
    """With its norm."""

    def __init__(self, source: nn.Module, config):
        super().__init__()
        dense = source.DenseReluDense
        self.norm = RmsNorm(source.layer_norm)
        self.gate, self.value, self.out = dense.wi_0, dense.wi_1, dense.wo
        self.act = activation(config.dense_act_fn)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.norm(x)
        # What goes through the layers is kept in float32: in float16 T5's largest values would be infinite.
        return x + self.out(self.act(self.gate(normed)) * self.value(normed)).float()


class EncoderLayer(nn.Module):
    def __init__(self, source: nn.Module, config):
        super().__init__()
        self.norm = RmsNorm(source.layer[0].layer_norm)
        self.attention = T5Attention(source.layer[0].SelfAttention)
        self.feed_forward = FeedForward(source.layer[-1], config)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """float32 [B, T, width] to the same."""
        normed = self.norm(x)
        keys, values = self.attention.keys_and_values(normed)
        return self.feed_forward(x + self.attention(normed, keys, values, bias).float())


class DecoderLayer(nn.Module):
    def __init__(self, source: nn.Module, config):
        super().__init__()
        self.norm_1, self.norm_2 = RmsNorm(source.layer[0].layer_norm), RmsNorm(source.layer[1].layer_norm)
        self.attention = T5Attention(source.layer[0].SelfAttention)
        self.crossing = T5Attention(source.layer[1].EncDecAttention)
        self.feed_forward = FeedForward(source.layer[-1], config)

    def forward(
        self,
        x: torch.Tensor,
        position: int,
        bias: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        count = x.shape[1]
        normed = self.norm_1(x)
        new_keys, new_values = self.attention.keys_and_values(normed)
        keys.narrow(2, position, count).copy_(new_keys)
        values.narrow(2, position, count).copy_(new_values)
        seen = position + count
        x = x + self.attention(normed, keys.narrow(2, 0, seen), values.narrow(2, 0, seen), bias).float()
        x = x + self.crossing(self.norm_2(x), cross_keys, cross_values, None).float()
        return self.feed_forward(x)
