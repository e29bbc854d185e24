"""transformers' image processors as a manifest's `vision`."""

from typing import Any

from transformers import BaseImageProcessor

from ..errors import UnsupportedError

_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}


def vision_fields(processor: BaseImageProcessor) -> dict[str, Any]:
    """The manifest's `vision`, all but the file name."""
    if int(processor.resample) not in _INTERPOLATIONS:
        raise UnsupportedError(f"image processor with resample {processor.resample} is not supported yet")
    if not (processor.do_resize and processor.do_rescale and processor.do_normalize):
        raise UnsupportedError("image processor that does not resize, rescale and normalise is not supported")
    # Bundles rescale by 1/255; another factor is the same as another mean and deviation.
    factor = float(processor.rescale_factor) * 255
    size, how = _resize(processor)
    return {
        "size": size,
        "mean": [float(value) / factor for value in processor.image_mean],
        "std": [float(value) / factor for value in processor.image_std],
        "interpolation": _INTERPOLATIONS[int(processor.resample)],
        **how,
        "fill": 0,
    }


def _resize(processor: BaseImageProcessor) -> tuple[list[int], dict[str, str]]:
    """[height, width], and how an image gets there."""
    size = processor.size
    crops = getattr(processor, "do_center_crop", False)
    if "height" in size and not crops:
        return [int(size["height"]), int(size["width"])], {"resizeMode": "squash"}
    window = getattr(processor, "crop_size", None) or {}
    if crops and size.get("shortest_edge") == window.get("height") == window.get("width"):
        # Unlike torchvision, which rounds the window's place to the even neighbour, transformers cuts off.
        return [int(window["height"]), int(window["width"])], {"resizeMode": "shortest", "crop": "floor"}
    raise UnsupportedError(f"image processor that resizes to {dict(size)} and crops to {dict(window)} is not supported yet")
