"""open_clip's own VisionTransformer as `image.pt`."""

import torch
from torch import nn

from .features import ImageFeatures


def script_image(visual: nn.Module) -> torch.jit.ScriptModule:
    """Scripted, so any batch size and any device. `visual` is in eval mode."""
    # Both are no-ops in eval mode, but scripting would compile their training branch.
    visual.patch_dropout = nn.Identity()
    visual.output_tokens = False
    return torch.jit.script(ImageFeatures(visual).eval())
