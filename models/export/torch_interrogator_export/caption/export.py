"""`export caption`: a captioner as a bundle."""

from dataclasses import replace
from pathlib import Path

import torch
import transformers

from ..bundle import new_bundle, save_module, step
from ..checkpoint import transformers_folder
from ..manifest import write_manifest
from ..source import Weights
from .check import check_caption
from .families import family_of, image_processor, load_model, origin_of, refuse_generation
from .processor import vision_fields
from .tokenizer import write_tokenizer


def export_caption(name: str, out: Path, weights: Weights, precision: str, device: str) -> None:
    """Writes a bundle to `out`, checked against the captioner that it came from. For the rest see `--help`."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    # A checkpoint's name is what the user gave, not its folder within the hub's cache.
    origin_fields = weights.fields()
    if weights.checkpoint is not None:
        weights = replace(weights, checkpoint=str(transformers_folder(Path(weights.checkpoint))))
    family = family_of(name, weights)
    model = load_model(family, name, weights, device)
    config = model.config
    vision = vision_fields(image_processor(family, name, weights, config))
    decoder = family.decoder_fields(model)
    refuse_generation(family.text_model(model))

    with new_bundle(out) as folder:
        step("scripting the encoder and the decoder")
        for file, part in family.parts(model).items():
            save_module(torch.jit.script(part), folder / file, precision)
        step("writing tokenizer.json")
        default = family.tokenizer() if family.tokenizer else None
        clean_up = write_tokenizer(origin_of(name, weights), folder / "tokenizer.json", default)
        fields = {
            "family": family.name,
            "vision": {"file": "vision.pt", **vision},
            "decoder": {"file": "decoder.pt", **decoder},
            "tokenizer": {"file": "tokenizer.json", "cleanUp": clean_up},
            "source": {
                "library": f"transformers {transformers.__version__}, torch {torch.__version__}",
                "architecture": name,
                **origin_fields,
                "config": _differences(config),
            },
        }
        step("hashing the files")
        write_manifest(folder, "caption", name, precision, fields)
        # The scripted modules shared the model's weights, and saving changed their device or precision.
        if precision != "fp32" or device != "cpu":
            model = load_model(family, name, weights, device)
        step("comparing the bundle with the model")
        check_caption(folder, family, model, device)
    step(f"done: {out}")


def _differences(config: transformers.PretrainedConfig) -> dict:
    """What a configuration says that its class's defaults do not; no file names of the machine that wrote it."""
    parts = ("text_config", "vision_config", "qformer_config")
    found = {part: _differences(getattr(config, part)) for part in parts if hasattr(config, part)}
    own = {key: value for key, value in config.to_diff_dict().items() if not key.startswith("_") and key not in parts}
    return own | found
