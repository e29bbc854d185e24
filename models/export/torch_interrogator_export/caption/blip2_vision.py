"""BLIP-2's image side as `vision.pt`: image encoder, Q-Former, and the projection to the language model's width."""

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from ..errors import UnsupportedError
from .attention import joined, split
from .blip_vision import BlipVision


class QFormerAttention(nn.Module):
    """Post-norm attention of the queries to each other, or to the image."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        attention = source.attention
        self.heads = attention.num_attention_heads
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.out, self.norm = source.output.dense, source.output.LayerNorm

    def forward(self, x: torch.Tensor, to: torch.Tensor) -> torch.Tensor:
        keys, values = split(self.key(to), self.heads), split(self.value(to), self.heads)
        attended = F.scaled_dot_product_attention(split(self.query(x), self.heads), keys, values)
        return self.norm(x + self.out(joined(attended)))


class QFormerLayer(nn.Module):
    """Every so many layers look at the image."""

    def __init__(self, source: nn.Module, config):
        super().__init__()
        self.attention = QFormerAttention(source.attention)
        self.crossing = QFormerAttention(source.crossattention) if source.has_cross_attention else None
        self.fc_1 = source.intermediate_query.dense
        self.act = activation(config.hidden_act)
        self.fc_2, self.norm = source.output_query.dense, source.output_query.LayerNorm

    def forward(self, x: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        x = self.attention(x, x)
        if self.crossing is not None:
            x = self.crossing(x, image)
        return self.norm(x + self.fc_2(self.act(self.fc_1(x))))


class Blip2Vision(nn.Module):
    """pixels float [B, 3, H, W], already normalised -> [B, queries, width of the language model]."""

    def __init__(self, source: nn.Module):
        super().__init__()
        former = source.qformer
        if getattr(former.config, "position_embedding_type", "absolute") != "absolute":
            raise UnsupportedError("Q-Former with relative positions is not supported yet")
        self.image = BlipVision(source.vision_model)
        self.queries = source.query_tokens
        self.norm = former.layernorm
        self.layers = nn.ModuleList(QFormerLayer(layer, former.config) for layer in former.encoder.layer)
        self.projection = source.language_projection

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        image = self.image(pixels)
        x = self.norm(self.queries).expand(image.shape[0], -1, -1)
        for layer in self.layers:
            x = layer(x, image)
        return self.projection(x)
