"""`export caption`: a captioner as a bundle."""

from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True)
class CaptionOptions:
    """What `export caption` takes; see `--help`."""

    name: str
    out: Path
    weights: Weights = field(default_factory=Weights)
    precision: str = "fp32"
    device: str = "cpu"


def export_caption(options: CaptionOptions) -> None:
    """Writes the bundle to `options.out`, checked against the model that it came from."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    weights = options.weights
    if weights.checkpoint is not None:
        weights = replace(weights, checkpoint=str(transformers_folder(Path(weights.checkpoint))))
    model = blip.load_blip(options.name, weights, options.device)
    config = model.config
    processor = blip.image_processor(options.name, weights, config)
    vision_fields = blip.vision_fields(processor)
    blip.refuse_generation(model)

    with new_bundle(options.out) as folder:
        step("scripting the encoder and the decoder")
        vision, decoder = blip.script_vision(model), blip.script_decoder(model)
        save_module(vision, folder / "vision.pt", options.precision)
        save_module(decoder, folder / "decoder.pt", options.precision)
        del vision, decoder
        step("writing tokenizer.json")
        origin = weights.checkpoint or (blip.HUB[options.name] if weights.seed is None else None)
        write_tokenizer(origin, folder / "tokenizer.json")
        fields = {
            "family": "blip",
            "vision": {"file": "vision.pt", **vision_fields},
            "decoder": {"file": "decoder.pt", **blip.decoder_fields(config)},
            "tokenizer": {"file": "tokenizer.json"},
            "source": {
                "library": f"transformers {transformers.__version__}, torch {torch.__version__}",
                "architecture": options.name,
                **options.weights.fields(),
                "config": {
                    "text_config": _differences(config.text_config),
                    "vision_config": _differences(config.vision_config),
                },
            },
        }
        step("hashing the files")
        write_manifest(folder, "caption", options.name, options.precision, fields)
        # The scripted modules shared the model's weights, and saving changed their device or precision.
        if options.precision != "fp32" or options.device != "cpu":
            model = blip.load_blip(options.name, weights, options.device)
        step("comparing the bundle with the model")
        check_caption(folder, model, options.device)
    step(f"done: {options.out}")


def _differences(config: transformers.PretrainedConfig) -> dict:
    """What a configuration says that its class's defaults do not; no file names of the machine that wrote it."""
    return {key: value for key, value in config.to_diff_dict().items() if not key.startswith("_")}
