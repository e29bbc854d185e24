"""Image towers by kind."""

from torch import nn

from . import resnet, vit

SUPPORTED = {"vit": vit, "resnet": resnet}


def tower_kind(model: nn.Module) -> str:
    """`vit`, `resnet`, `timm` or `coca`: which exporter an open_clip model's image tower belongs to."""
    if type(model).__name__ == "CoCa":
        return "coca"
    name = type(model.visual).__name__
    return {"VisionTransformer": "vit", "ModifiedResNet": "resnet", "TimmModel": "timm"}.get(name, name)
