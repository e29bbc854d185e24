"""`export clip`: an open_clip model as a bundle."""

from pathlib import Path

import open_clip
import torch
from torch import nn

from ..bundle import copy_vocabulary, new_bundle, save_module, step
from ..manifest import write_manifest
from ..source import Weights
from .check import check_clip
from .image import image_fields, script_image
from .model import load_model, model_config, refuse_config, refuse_model, register_config
from .text import script_text, text_fields
from .tokenizer import cleaning, write_tokenizer


def export_clip(
    name: str, out: Path, weights: Weights, precision: str, device: str, config_file: str | None, vocabulary: str | None
) -> None:
    """Writes a bundle to `out`, checked against the model of open_clip that it came from. For the rest see `--help`."""
    architecture, _, tag = name.partition("/")
    if config_file is not None:
        register_config(architecture, config_file)
    config = model_config(architecture, tag, weights)
    refuse_config(architecture, config)
    model = load_model(architecture, tag, weights, device)
    tokenizer = open_clip.get_tokenizer(architecture)
    refuse_model(architecture, model, config)

    with new_bundle(out) as folder:
        step("scripting the towers")
        scripted_text = script_text(model, config["text_cfg"])
        preprocess = dict(model.visual.preprocess_cfg)
        text = text_fields(model, config["text_cfg"])
        scripted_image = script_image(model.visual)
        save_module(scripted_image, folder / "image.pt", precision)
        save_module(scripted_text, folder / "text.pt", precision)
        del scripted_image, scripted_text
        step("writing tokenizer.json")
        write_tokenizer(tokenizer, folder / "tokenizer.json")
        lists = copy_vocabulary(vocabulary, folder)
        fields = {
            "embedDim": int(config["embed_dim"]),
            "image": image_fields(preprocess),
            "text": {"file": "text.pt", **text},
            "tokenizer": {"file": "tokenizer.json", "clean": cleaning(tokenizer)},
            "logits": _logits(model),
            "vocabulary": lists,
            "source": {
                "library": f"open_clip_torch {open_clip.__version__}, torch {torch.__version__}",
                "architecture": architecture,
                "pretrained": tag,
                **weights.fields(),
                "config": config,
            },
        }
        step("hashing the files")
        write_manifest(folder, "clip", name, precision, fields)
        # The scripted modules shared the model's weights, and saving changed their device or precision.
        if precision != "fp32" or device != "cpu":
            model = load_model(architecture, tag, weights, device)
        step("comparing the bundle with the model")
        check_clip(folder, model, tokenizer, device)
    step(f"done: {out}")


def _logits(model: nn.Module) -> dict[str, float]:
    """The manifest's `logits`: what makes a model's own logits of cosine similarities."""
    bias = getattr(model, "logit_bias", None)
    return {"scale": float(model.logit_scale.exp())} | ({} if bias is None else {"bias": float(bias)})
