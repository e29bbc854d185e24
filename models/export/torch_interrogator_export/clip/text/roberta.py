"""transformers' RoBERTa and XLM-R encoders."""

import torch
from torch import nn

from ...activations import activation
from .attention import attend, unless_all


class Roberta(nn.Module):
    """ids int64 [B, T] -> float [B, T, width], where the padding's id masks itself."""

    pad: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        embeddings = source.embeddings
        self.pad = int(embeddings.padding_idx)
        self.words = nn.Parameter(embeddings.word_embeddings.weight.detach())
        self.positions = nn.Parameter(embeddings.position_embeddings.weight.detach())
        # All of a text is of the first type.
        self.types = nn.Parameter(embeddings.token_type_embeddings.weight.detach()[0])
        self.norm = embeddings.LayerNorm
        self.layers = nn.ModuleList(RobertaLayer(layer, source.config.hidden_act) for layer in source.encoder.layer)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        batch, length = ids.shape[0], ids.shape[1]
        present = ids != self.pad
        positions = present.long().cumsum(1) * present + self.pad
        x = torch.embedding(self.words, ids) + self.types + torch.embedding(self.positions, positions)
        x = self.norm(x).flatten(0, 1)
        mask = unless_all(present)
        for layer in self.layers:
            x = layer(x, batch, mask)
        return x.view(batch, length, x.shape[1])


class RobertaLayer(nn.Module):
    """A post-norm transformer layer: x [B * T, width] -> [B * T, width]."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module, activation_name: str):
        super().__init__()
        attention = source.attention.self
        self.heads = int(attention.num_attention_heads)
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.out, self.norm = source.attention.output.dense, source.attention.output.LayerNorm
        self.fc, self.proj, self.last_norm = source.intermediate.dense, source.output.dense, source.output.LayerNorm
        self.act = activation(activation_name)

    def forward(self, x: torch.Tensor, batch: int, mask: torch.Tensor | None) -> torch.Tensor:
        shape = [x.shape[0], self.heads, -1]
        attended = attend(self.query(x).view(shape), self.key(x).view(shape), self.value(x).view(shape), batch, mask)
        x = self.norm(self.out(attended) + x)
        return self.last_norm(self.proj(self.act(self.fc(x))) + x)
