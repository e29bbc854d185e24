"""GIT's image side as `vision.pt`: CLIP's image encoder, and the projection to the decoder's width."""

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from ..patches import PatchEmbedding
from .attention import joined, split


class ClipLayer(nn.Module):
    """One pre-norm layer."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        attention = source.self_attn
        self.heads = attention.num_heads
        self.norm_1, self.norm_2 = source.layer_norm1, source.layer_norm2
        self.query, self.key, self.value, self.out = attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj
        self.fc_1, self.act, self.fc_2 = source.mlp.fc1, activation(source.mlp.config.hidden_act), source.mlp.fc2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.norm_1(x)
        keys, values = split(self.key(normed), self.heads), split(self.value(normed), self.heads)
        attended = F.scaled_dot_product_attention(split(self.query(normed), self.heads), keys, values)
        x = x + self.out(joined(attended))
        return x + self.fc_2(self.act(self.fc_1(self.norm_2(x))))


class GitVision(nn.Module):
    """pixels float [B, 3, H, W], already normalised -> [B, 1 + patches, width of the decoder]."""

    def __init__(self, source: nn.Module):
        super().__init__()
        tower = source.git.image_encoder.vision_model
        self.patches = PatchEmbedding(tower.embeddings.patch_embedding)
        self.class_embedding = tower.embeddings.class_embedding
        self.position_embedding = tower.embeddings.position_embedding.weight
        self.norm_before = tower.pre_layrnorm
        self.layers = nn.ModuleList(ClipLayer(layer) for layer in tower.encoder.layers)
        self.norm_after = tower.post_layernorm
        self.projection, self.projection_norm = source.git.visual_projection.visual_projection

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.patches(pixels.to(self.class_embedding.dtype))
        x = torch.cat([self.class_embedding.expand(patches.shape[0], 1, -1), patches], dim=1)
        x = self.norm_before(x + self.position_embedding)
        for layer in self.layers:
            x = layer(x)
        return self.projection_norm(self.projection(self.norm_after(x)))
