"""GIT's decoder as `decoder.pt`: image tokens, which see each other alone, are a prefix of the text."""

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from .attention import attend_with_prefix, causal_mask, joined, split
from .decoder import CaptionDecoder


class GitLayer(nn.Module):
    """One post-norm layer."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module, config):
        super().__init__()
        attention = source.attention
        self.heads = attention.self.num_attention_heads
        self.query, self.key, self.value = attention.self.query, attention.self.key, attention.self.value
        self.out, self.norm_1 = attention.output.dense, attention.output.LayerNorm
        self.fc_1 = source.intermediate.dense
        self.act = activation(config.hidden_act)
        self.fc_2, self.norm_2 = source.output.dense, source.output.LayerNorm

    def finish(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What follows the attention."""
        x = self.norm_1(x + self.out(joined(attended)))
        return self.norm_2(x + self.fc_2(self.act(self.fc_1(x))))

    def prefix(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The prefix after this layer, and its keys and values in it."""
        keys, values = split(self.key(x), self.heads), split(self.value(x), self.heads)
        attended = F.scaled_dot_product_attention(split(self.query(x), self.heads), keys, values)
        return self.finish(x, attended), keys, values

    def forward(
        self,
        x: torch.Tensor,
        position: int,
        mask: torch.Tensor | None,
        keys: torch.Tensor,
        values: torch.Tensor,
        prefix_keys: torch.Tensor,
        prefix_values: torch.Tensor,
    ) -> torch.Tensor:
        count = x.shape[1]
        keys.narrow(2, position, count).copy_(split(self.key(x), self.heads))
        values.narrow(2, position, count).copy_(split(self.value(x), self.heads))
        seen = position + count
        attended = attend_with_prefix(
            split(self.query(x), self.heads),
            prefix_keys,
            prefix_values,
            keys.narrow(2, 0, seen),
            values.narrow(2, 0, seen),
            mask,
        )
        return self.finish(x, attended)


class GitDecoder(CaptionDecoder):
    def __init__(self, source: nn.Module):
        super().__init__()
        embeddings = source.git.embeddings
        self.word_embedding = embeddings.word_embeddings.weight
        self.position_embedding = embeddings.position_embeddings.weight
        self.norm = embeddings.LayerNorm
        self.layers = nn.ModuleList(GitLayer(layer, source.config) for layer in source.git.encoder.layer)
        self.head_weight, self.head_bias = source.output.weight, source.output.bias

    @torch.jit.export
    def cross(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        x = image
        for layer in self.layers:
            x, k, v = layer.prefix(x)
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
        """What the layers make of ids [B, T]: [B, T, width]. Positions count from the text's beginning."""
        count = ids.shape[1]
        # Not F.embedding: that is a function of its own in TorchScript, which hides who reads the weight.
        x = torch.embedding(self.word_embedding, ids) + self.position_embedding[position : position + count]
        x = self.norm(x)
        mask = causal_mask(count, cross_keys.shape[3] + position, ids.device)
        for index, layer in enumerate(self.layers):
            x = layer(x, position, mask, keys[index], values[index], cross_keys[index], cross_values[index])
        return x

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of [..., width]: [..., vocabSize]."""
        return F.linear(x, self.head_weight, self.head_bias)
