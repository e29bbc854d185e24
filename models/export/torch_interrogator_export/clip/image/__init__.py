"""Image towers, and the wrapper that every one is saved in."""

from typing import Any

import torch
import torch.nn.functional as F
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn

from ..transformer import are_plain_blocks
from .attention_pool import AttentionPooledTower
from .timm import timm_tower
from .vit import VisionTower


class ImageFeatures(nn.Module):
    """pixels float [B, 3, H, W], already normalised -> unit rows float32 [B, embedDim]."""

    def __init__(self, tower: nn.Module):
        super().__init__()
        self.tower = tower
        # Follows the weights through .half() and .float(): what dtype the tower wants its pixels in.
        self.register_buffer("dtype_of", torch.zeros(1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.tower(pixels.to(self.dtype_of.dtype)).float(), dim=-1)


def image_tower(visual: nn.Module) -> nn.Module:
    """What scripts of an open_clip image tower in eval mode, with the weights of `visual` itself."""
    if isinstance(visual, TimmModel):
        return timm_tower(visual)
    if not isinstance(visual, VisionTransformer):
        return visual
    if are_plain_blocks(visual.transformer):
        if visual.attn_pool is None and visual.pool_type in ("tok", "avg"):
            return VisionTower(visual)
        if visual.attn_pool is not None and visual.attn_pool_contrastive is None and visual.pool_type == "tok":
            return AttentionPooledTower(visual)
    # Both are no-ops in eval mode, but scripting would compile their training branch.
    visual.patch_dropout = nn.Identity()
    visual.output_tokens = False
    return visual


def script_image(visual: nn.Module) -> torch.jit.ScriptModule:
    """`image.pt` of an open_clip image tower, in eval mode: any batch size, any device."""
    return torch.jit.script(ImageFeatures(image_tower(visual)).eval())


def image_fields(preprocess: dict[str, Any]) -> dict[str, Any]:
    """The manifest's `image`, from open_clip's preprocess_cfg."""
    size = preprocess["size"]
    height, width = (size, size) if isinstance(size, int) else size
    return {
        "file": "image.pt",
        "size": [int(height), int(width)],
        "mean": list(preprocess["mean"]),
        "std": list(preprocess["std"]),
        "interpolation": preprocess["interpolation"],
        "resizeMode": preprocess["resize_mode"],
        "fill": preprocess["fill_color"],
    }
