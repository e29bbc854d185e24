"""`export caption`: a captioner as a bundle."""

from dataclasses import replace
from pathlib import Path

import torch
import transformers

from ..bundle import new_bundle, save_module, step
from ..checkpoint import transformers_folder
from ..manifest import write_manifest
from ..source import Weights
from . import blip
from .check import check_caption
from .tokenizer import write_tokenizer


def export_caption(name: str, out: Path, weights: Weights, precision: str, device: str) -> None:
    """Writes a bundle to `out`, checked against the captioner that it came from. For the rest see `--help`."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    # A checkpoint's name is what the user gave, not its folder within the hub's cache.
    origin_fields = weights.fields()
    if weights.checkpoint is not None:
        weights = replace(weights, checkpoint=str(transformers_folder(Path(weights.checkpoint))))
    model = blip.load_blip(name, weights, device)
    config = model.config
    processor = blip.image_processor(name, weights, config)
    vision_fields = blip.vision_fields(processor)
    blip.refuse_generation(model)

    with new_bundle(out) as folder:
        step("scripting the encoder and the decoder")
        vision, decoder = blip.script_parts(model)
        save_module(vision, folder / "vision.pt", precision)
        save_module(decoder, folder / "decoder.pt", precision)
        del vision, decoder
        step("writing tokenizer.json")
        origin = weights.checkpoint or (blip.HUB[name] if weights.seed is None else None)
        write_tokenizer(origin, folder / "tokenizer.json")
        fields = {
            "family": "blip",
            "vision": {"file": "vision.pt", **vision_fields},
            "decoder": {"file": "decoder.pt", **blip.decoder_fields(config)},
            "tokenizer": {"file": "tokenizer.json"},
            "source": {
                "library": f"transformers {transformers.__version__}, torch {torch.__version__}",
                "architecture": name,
                **origin_fields,
                "config": {
                    "text_config": _differences(config.text_config),
                    "vision_config": _differences(config.vision_config),
                },
            },
        }
        step("hashing the files")
        write_manifest(folder, "caption", name, precision, fields)
        # The scripted modules shared the model's weights, and saving changed their device or precision.
        if precision != "fp32" or device != "cpu":
            model = blip.load_blip(name, weights, device)
        step("comparing the bundle with the model")
        check_caption(folder, model, device)
    step(f"done: {out}")


def _differences(config: transformers.PretrainedConfig) -> dict:
    """What a configuration says that its class's defaults do not; no file names of the machine that wrote it."""
    return {key: value for key, value in config.to_diff_dict().items() if not key.startswith("_")}
