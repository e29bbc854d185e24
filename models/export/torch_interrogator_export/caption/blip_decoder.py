"""BLIP's text decoder as `decoder.pt`: explicit key and value caches, cross-attention computed once an image."""

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from .attention import causal_mask, joined, split
from .decoder import CaptionDecoder


class DecoderLayer(nn.Module):
    """One post-norm layer: self-attention over the cache, cross-attention over the image, feed-forward."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        attention, crossing = source.attention, source.crossattention
        self.heads = attention.self.num_attention_heads
        self.query, self.key, self.value = attention.self.query, attention.self.key, attention.self.value
        self.out, self.norm_1 = attention.output.dense, attention.output.LayerNorm
        self.cross_query, self.cross_key, self.cross_value = crossing.self.query, crossing.self.key, crossing.self.value
        self.cross_out, self.norm_2 = crossing.output.dense, crossing.output.LayerNorm
        self.fc_1 = source.intermediate.dense
        self.act = activation(source.config.hidden_act)
        self.fc_2, self.norm_3 = source.output.dense, source.output.LayerNorm

    def cross(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of the image, each [B, heads, S, headDim]."""
        return split(self.cross_key(image), self.heads), split(self.cross_value(image), self.heads)

    def forward(
        self,
        x: torch.Tensor,
        position: int,
        mask: torch.Tensor | None,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        count = x.shape[1]
        keys.narrow(2, position, count).copy_(split(self.key(x), self.heads))
        values.narrow(2, position, count).copy_(split(self.value(x), self.heads))
        seen = position + count
        attended = F.scaled_dot_product_attention(
            split(self.query(x), self.heads), keys.narrow(2, 0, seen), values.narrow(2, 0, seen), mask
        )
        x = self.norm_1(x + self.out(joined(attended)))
        attended = F.scaled_dot_product_attention(split(self.cross_query(x), self.heads), cross_keys, cross_values)
        x = self.norm_2(x + self.cross_out(joined(attended)))
        return self.norm_3(x + self.fc_2(self.act(self.fc_1(x))))


class BlipDecoder(CaptionDecoder):
    def __init__(self, source: nn.Module):
        super().__init__()
        embeddings, head = source.bert.embeddings, source.cls.predictions
        self.word_embedding = embeddings.word_embeddings.weight
        self.position_embedding = embeddings.position_embeddings.weight
        self.norm = embeddings.LayerNorm
        self.layers = nn.ModuleList(DecoderLayer(layer) for layer in source.bert.encoder.layer)
        self.head_dense = head.transform.dense
        self.head_act = activation(source.config.hidden_act)
        self.head_norm = head.transform.LayerNorm
        # The same parameter as word_embedding in a tied model: it is then stored once.
        self.head_weight = head.decoder.weight
        self.head_bias = head.decoder.bias

    @torch.jit.export
    def cross(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        for layer in self.layers:
            k, v = layer.cross(image)
            keys.append(k)
            values.append(v)
        return torch.stack(keys), torch.stack(values)

    def hidden(
        self,
        ids: torch.Tensor,
        position: int,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        """What the layers make of ids [B, T]: [B, T, width]."""
        count = ids.shape[1]
        # Not F.embedding: that is a function of its own in TorchScript, which hides who reads the weight.
        x = torch.embedding(self.word_embedding, ids) + self.position_embedding[position : position + count]
        x = self.norm(x)
        mask = causal_mask(count, position, ids.device)
        for index, layer in enumerate(self.layers):
            x = layer(x, position, mask, keys[index], values[index], cross_keys[index], cross_values[index])
        return x

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of [..., width]: [..., vocabSize]."""
        x = self.head_norm(self.head_act(self.head_dense(x)))
        return F.linear(x, self.head_weight, self.head_bias)
