"""OpenAI's ModifiedResNet as `image.pt`."""

import torch
from torch import nn

from .features import ImageFeatures


def script_image(visual: nn.Module) -> torch.jit.ScriptModule:
    """Scripted, so any batch size and any device. `visual` is in eval mode."""
    return torch.jit.script(ImageFeatures(visual).eval())
