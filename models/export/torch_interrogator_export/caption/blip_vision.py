"""BLIP's image encoder as `vision.pt`."""

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from ..patches import PatchEmbedding


class VisionLayer(nn.Module):
    """One pre-norm layer with fused query, key and value."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.heads = source.self_attn.num_heads
        self.norm_1 = source.layer_norm1
        self.qkv = source.self_attn.qkv
        self.out = source.self_attn.projection
        self.norm_2 = source.layer_norm2
        self.fc_1 = source.mlp.fc1
        self.act = activation(source.mlp.config.hidden_act)
        self.fc_2 = source.mlp.fc2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(self.norm_1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.fc_2(self.act(self.fc_1(self.norm_2(x))))


class BlipVision(nn.Module):
    """pixels float [B, 3, H, W], already normalised -> image embeddings float32 [B, S, E]."""

    def __init__(self, source: nn.Module):
        super().__init__()
        self.patches = PatchEmbedding(source.embeddings.patch_embedding)
        self.class_embedding = source.embeddings.class_embedding
        self.position_embedding = source.embeddings.position_embedding
        self.layers = nn.ModuleList(VisionLayer(layer) for layer in source.encoder.layers)
        self.norm = source.post_layernorm

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.patches(pixels.to(self.class_embedding.dtype))
        x = torch.cat([self.class_embedding.expand(patches.shape[0], -1, -1), patches], dim=1)
        x = x + self.position_embedding
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)
