"""Image towers by kind."""

from open_clip.transformer import VisionTransformer
from torch import nn

from . import resnet, vit

SUPPORTED = {"vit": vit, "resnet": resnet}


def tower_kind(model: nn.Module) -> str:
    """Which of SUPPORTED the image tower of an open_clip model belongs to."""
    return "vit" if isinstance(model.visual, VisionTransformer) else "resnet"
