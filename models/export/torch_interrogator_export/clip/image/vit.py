"""open_clip's VisionTransformer as `image.pt`."""

import torch
import torch.nn.functional as F
from torch import nn

from ...patches import PatchEmbedding
from ..transformer import EndBlock, FullBlock, layer_norm, projection


class VisionTower(nn.Module):
    """pixels [B, 3, H, W] -> features [B, embedDim]. Where only the class token is read, the last block skips the rest."""

    class_token: torch.jit.Final[bool]
    norm_first: torch.jit.Final[bool]

    def __init__(self, source: nn.Module):
        super().__init__()
        self.class_token = source.pool_type == "tok"
        self.norm_first = not source.final_ln_after_pool
        self.patches = PatchEmbedding(source.conv1)
        self.class_embedding = nn.Parameter(source.class_embedding.detach())
        self.positional_embedding = nn.Parameter(source.positional_embedding.detach())
        self.ln_pre = nn.Identity() if isinstance(source.ln_pre, nn.Identity) else layer_norm(source.ln_pre)
        blocks = source.transformer.resblocks
        self.blocks = nn.ModuleList(FullBlock(block) for block in (blocks[:-1] if self.class_token else blocks))
        if self.class_token:
            self.end = EndBlock(blocks[-1])
        self.ln_post = layer_norm(source.ln_post)
        self.projection = projection(source.proj)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.patches(pixels)
        batch = patches.shape[0]
        x = torch.cat([self.class_embedding.expand(batch, 1, -1), patches], dim=1) + self.positional_embedding
        length = x.shape[1]
        x = self.ln_pre(x).flatten(0, 1)
        for block in self.blocks:
            q, k, v = block.attention_inputs(x)
            x = block.finish(x, attend(q, k, v, batch))
        if self.class_token:
            k, v = self.end.keys_and_values(x)
            x = x.view(batch, length, x.shape[1])[:, 0].contiguous()
            return self.projection(self.ln_post(self.end.finish(x, attend(self.end.queries(x), k, v, batch))))
        x = x.view(batch, length, x.shape[1])
        if self.norm_first:
            return self.projection(self.ln_post(x)[:, 1:].mean(dim=1))
        return self.projection(self.ln_post(x[:, 1:].mean(dim=1)))


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, batch: int) -> torch.Tensor:
    """Attention within each image: q [B * Q, heads, headDim], k and v [B * T, …] -> [B * Q, heads * headDim]."""
    attended = F.scaled_dot_product_attention(
        q.view(batch, q.shape[0] // max(batch, 1), q.shape[1], q.shape[2]).transpose(1, 2),
        k.view(batch, k.shape[0] // max(batch, 1), k.shape[1], k.shape[2]).transpose(1, 2),
        v.view(batch, v.shape[0] // max(batch, 1), v.shape[1], v.shape[2]).transpose(1, 2),
    )
    return attended.transpose(1, 2).flatten(2).flatten(0, 1)
