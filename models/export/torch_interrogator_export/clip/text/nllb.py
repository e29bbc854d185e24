"""transformers' M2M100 encoder, which NLLB's models have."""

import math

import torch
from torch import nn

from ...activations import activation
from .attention import attend, unless_all


class Nllb(nn.Module):
    """ids int64 [B, T] -> float [B, T, width], where the padding's id masks itself."""

    pad: torch.jit.Final[int]
    scale: torch.jit.Final[float]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.pad, self.scale = int(source.padding_idx), float(source.embed_tokens.embed_scale)
        self.words = nn.Parameter(source.embed_tokens.weight.detach())
        self.layers = nn.ModuleList(NllbLayer(layer, source.config.activation_function) for layer in source.layers)
        self.norm = source.layer_norm

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        batch, length = ids.shape[0], ids.shape[1]
        present = ids != self.pad
        x = torch.embedding(self.words, ids) * self.scale
        x = (x + self.positions(present, x.shape[2]).to(x.dtype)).flatten(0, 1)
        mask = unless_all(present)
        for layer in self.layers:
            x = layer(x, batch, mask)
        return self.norm(x).view(batch, length, x.shape[1])

    def positions(self, present: torch.Tensor, width: int) -> torch.Tensor:
        """Sines, then cosines, of positions that count what is present: bool [B, T] -> float32 [B, T, width]."""
        half = width // 2
        rates = torch.exp(torch.arange(half, device=present.device).float() * -(math.log(10000) / (half - 1)))
        places = (present.long().cumsum(1) + self.pad).float()
        angles = places.unsqueeze(2) * rates
        return torch.cat([angles.sin(), angles.cos()], dim=2) * present.unsqueeze(2)


class NllbLayer(nn.Module):
    """A pre-norm transformer layer: x [B * T, width] -> [B * T, width]."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module, activation_name: str):
        super().__init__()
        attention = source.self_attn
        self.heads = int(attention.num_heads)
        self.norm = source.self_attn_layer_norm
        self.query, self.key, self.value, self.out = attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj
        self.last_norm, self.fc, self.proj = source.final_layer_norm, source.fc1, source.fc2
        self.act = activation(activation_name)

    def forward(self, x: torch.Tensor, batch: int, mask: torch.Tensor | None) -> torch.Tensor:
        normed = self.norm(x)
        shape = [x.shape[0], self.heads, -1]
        q, k, v = self.query(normed).view(shape), self.key(normed).view(shape), self.value(normed).view(shape)
        x = x + self.out(attend(q, k, v, batch, mask))
        x = x + self.proj(self.act(self.fc(self.last_norm(x))))
        # As transformers does: the largest of these models reach the end of float16.
        return x.clamp(-64504.0, 64504.0) if x.dtype == torch.float16 else x
