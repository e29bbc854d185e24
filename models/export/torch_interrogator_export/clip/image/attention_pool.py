"""CoCa's image tower as `image.pt`: a ViT whose patches are pooled by attention."""

import torch
from open_clip.transformer import AttentionalPooler
from torch import nn

from ...linear import linear
from ...patches import PatchEmbedding
from ..transformer import FullBlock, layer_norm, projection
from .vit import attend


class AttentionPooledTower(nn.Module):
    """pixels [B, 3, H, W] -> features [B, embedDim].

    Of the pool's queries only the first one's answer is an image's feature, and so only it is asked.
    """

    def __init__(self, source: nn.Module):
        super().__init__()
        self.patches = PatchEmbedding(source.conv1)
        self.class_embedding = nn.Parameter(source.class_embedding.detach())
        self.positional_embedding = nn.Parameter(source.positional_embedding.detach())
        self.ln_pre = nn.Identity() if isinstance(source.ln_pre, nn.Identity) else layer_norm(source.ln_pre)
        self.blocks = nn.ModuleList(FullBlock(block) for block in source.transformer.resblocks)
        self.pool = FirstQuery(source.attn_pool)
        self.ln_post = layer_norm(source.ln_post)
        self.projection = projection(source.proj)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.patches(pixels)
        batch = patches.shape[0]
        x = torch.cat([self.class_embedding.expand(batch, 1, -1), patches], dim=1) + self.positional_embedding
        x = self.ln_pre(x).flatten(0, 1)
        for block in self.blocks:
            q, k, v = block.attention_inputs(x)
            x = block.finish(x, attend(q, k, v, batch))
        return self.projection(self.ln_post(self.pool(x, batch)))


class FirstQuery(nn.Module):
    """The first row that open_clip's AttentionalPooler gives: x [B * T, context width] -> [B, width]."""

    heads: torch.jit.Final[int]

    def __init__(self, source: AttentionalPooler):
        super().__init__()
        attention = source.attn
        width, self.heads = attention.embed_dim, attention.num_heads
        self.query = nn.Parameter(source.query.detach()[:1])
        self.ln_q, self.ln_k = layer_norm(source.ln_q), layer_norm(source.ln_k)
        bias = attention.in_proj_bias.detach()
        if attention.in_proj_weight is None:
            weights = [attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight]
        else:
            whole = attention.in_proj_weight.detach()
            weights = [whole[part * width : (part + 1) * width] for part in range(3)]
        self.q, self.k, self.v = (
            linear(weight, bias[part * width : (part + 1) * width]) for part, weight in enumerate(weights)
        )
        self.out = linear(attention.out_proj.weight, attention.out_proj.bias)

    def forward(self, x: torch.Tensor, batch: int) -> torch.Tensor:
        x = self.ln_k(x)
        k, v = self.k(x).view(x.shape[0], self.heads, -1), self.v(x).view(x.shape[0], self.heads, -1)
        q = self.q(self.ln_q(self.query)).view(1, self.heads, -1).expand(batch, -1, -1).contiguous()
        return self.out(attend(q, k, v, batch))
