"""Writes catalog.json: every name that the package knows, what kind of tower each needs, and what this version exports.

Run with the exporter's environment: ``python models/catalog.py``. `verified` marks are kept from the file that is there.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import open_clip

sys.path.insert(0, str(Path(__file__).with_name("export")))

from torch_interrogator_export.clip.model import trained_with_quick_gelu

CATALOG = Path(__file__).with_name("catalog.json")
SUPPORTED_IMAGE_TOWERS = {"vit", "resnet"}
CAPTION_FAMILIES = {
    "blip-base": "blip",
    "blip-large": "blip",
    "blip2-2.7b": "blip2",
    "blip2-flan-t5-xl": "blip2",
    "git-large-coco": "git",
}


def image_tower(config: dict) -> str:
    """The kind of image tower that open_clip builds for a model config."""
    vision = config["vision_cfg"]
    if "multimodal_cfg" in config:
        return "coca"
    if vision.get("timm_model_name"):
        return "timm"
    return "resnet" if isinstance(vision.get("layers"), list) else "vit"


def text_tower(config: dict) -> str:
    """`causal` is CLIP's own tower and tokenizer; `multilingual` the same tower over another tokenizer."""
    text = config["text_cfg"]
    if text.get("hf_model_name") or text.get("no_causal_mask"):
        return "bidirectional"
    return "multilingual" if text.get("hf_tokenizer_name") else "causal"


def clip_models() -> Iterator[dict]:
    """One entry a model/tag pair, in open_clip's order."""
    for model, tag in open_clip.list_pretrained():
        config = open_clip.get_model_config(model)
        image, text = image_tower(config), text_tower(config)
        yield {
            "name": f"{model}/{tag}",
            "kind": "clip",
            "tower": {"image": image, "text": text},
            "activation": "quick_gelu" if trained_with_quick_gelu(model, tag) else "gelu",
            "supported": image in SUPPORTED_IMAGE_TOWERS and text == "causal",
        }


def caption_models() -> Iterator[dict]:
    """The captioners that clip-interrogator names."""
    for name, family in CAPTION_FAMILIES.items():
        yield {"name": name, "kind": "caption", "tower": {"family": family}, "supported": family == "blip"}


def main() -> None:
    """Rewrites catalog.json."""
    known = json.loads(CATALOG.read_text())["models"] if CATALOG.exists() else []
    verified = {entry["name"]: entry["verified"] for entry in known}
    models = [entry | {"verified": verified.get(entry["name"], False)} for entry in [*clip_models(), *caption_models()]]
    lines = ",\n".join("    " + json.dumps(entry) for entry in models)
    CATALOG.write_text(
        '{\n  "source": "open_clip_torch ' + open_clip.__version__ + '",\n  "models": [\n' + lines + "\n  ]\n}\n"
    )


if __name__ == "__main__":
    main()
