"""BLIP captioners from transformers: where they come from and what their manifest says."""

from pathlib import Path
from typing import Any

import torch
from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, GenerationConfig

from ..bundle import step
from ..checkpoint import read_config
from ..errors import ExportError, UnsupportedError, UsageError
from ..source import Weights
from .blip_decoder import BlipDecoder
from .blip_vision import BlipVision

HUB = {
    "blip-base": "Salesforce/blip-image-captioning-base",
    "blip-large": "Salesforce/blip-image-captioning-large",
}

# As published. transformers' own defaults differ: 8 text heads, and position embeddings of next to nothing.
_TEXT = {"num_attention_heads": 12, "initializer_range": 0.02}
_VISION = {"initializer_range": 0.02}
_CONFIGS = {
    "blip-base": {"text_config": _TEXT, "vision_config": _VISION},
    "blip-large": {
        "text_config": _TEXT,
        "vision_config": {
            **_VISION,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
    },
}

# Settings of transformers' generate that let another token win than the likeliest, also without beams.
_CHOICES = (
    "repetition_penalty",
    "no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "encoder_no_repeat_ngram_size",
    "min_length",
    "min_new_tokens",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "exponential_decay_length_penalty",
    "sequence_bias",
)

_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}


def builtin_config(name: str) -> BlipConfig:
    """The configuration of blip-base or blip-large; UsageError for another name."""
    if name not in _CONFIGS:
        raise UsageError(f"no built-in caption model '{name}'; known are {', '.join(_CONFIGS)}, others go with --checkpoint")
    return BlipConfig(**_CONFIGS[name])


def load_blip(name: str, weights: Weights, device: str) -> BlipForConditionalGeneration:
    """The model in float32 and eval mode."""
    if weights.seed is not None:
        config = builtin_config(name)
        step(f"making {name} from seed {weights.seed}")
        torch.manual_seed(weights.seed)
        return BlipForConditionalGeneration(config).eval().to(device)
    origin = weights.checkpoint
    if origin is None:
        if name not in HUB:
            raise UnsupportedError(f"caption model '{name}' is not supported yet; known are {', '.join(HUB)}")
        origin = HUB[name]
        step(f"fetching {origin}")
    else:
        kind = read_config(Path(origin) / "config.json").get("model_type")
        if kind != "blip":
            raise UnsupportedError(f"caption model of type '{kind}' is not supported yet; 'blip' is")
        step(f"loading {name} from {origin}")
    try:
        model, report = BlipForConditionalGeneration.from_pretrained(
            origin, torch_dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        hint = "" if weights.checkpoint else "; check the network, or give --checkpoint FOLDER or --untrained"
        raise ExportError(f"could not load {origin} ({reason}){hint}") from error
    # transformers makes up what is missing, and only warns.
    missing = sorted(report["missing_keys"])
    if missing:
        raise ExportError(
            f"{origin} lacks {len(missing)} of the model's tensors, {missing[0]} for one; get the whole model again,"
            " or save it under the names of transformers' BlipForConditionalGeneration"
        )
    return model.eval().to(device)


def image_processor(name: str, weights: Weights, config: BlipConfig) -> BlipImageProcessor:
    """The image processor of the weights: the checkpoint's or the hub's own, else BLIP's at the model's size."""
    origin = weights.checkpoint or (HUB[name] if weights.seed is None else None)
    if origin and (not weights.checkpoint or (Path(origin) / "preprocessor_config.json").is_file()):
        return BlipImageProcessor.from_pretrained(origin)
    size = config.vision_config.image_size
    return BlipImageProcessor(size={"height": size, "width": size})


def vision_fields(processor: BlipImageProcessor) -> dict[str, Any]:
    """The manifest's `vision`, all but the file name."""
    if int(processor.resample) not in _INTERPOLATIONS:
        raise UnsupportedError(f"image processor with resample {processor.resample} is not supported yet")
    if not (processor.do_resize and processor.do_rescale and processor.do_normalize):
        raise UnsupportedError("image processor that does not resize, rescale and normalise is not supported")
    # Bundles rescale by 1/255; another factor is the same as another mean and deviation.
    factor = float(processor.rescale_factor) * 255
    return {
        "size": [int(processor.size["height"]), int(processor.size["width"])],
        "mean": [float(value) / factor for value in processor.image_mean],
        "std": [float(value) / factor for value in processor.image_std],
        "interpolation": _INTERPOLATIONS[int(processor.resample)],
        "resizeMode": "squash",
        "fill": 0,
    }


def refuse_generation(model: BlipForConditionalGeneration) -> None:
    """UnsupportedError where the model's own settings make generate choose by more than the largest logit."""
    settings = model.text_decoder.generation_config
    default = GenerationConfig()
    changed = [f"{name} {getattr(settings, name)}" for name in _CHOICES if getattr(settings, name) != getattr(default, name)]
    if changed:
        raise UnsupportedError(
            f"caption model that generates with {', '.join(changed)} is not supported: captions are greedy"
        )
    if settings.num_beams != 1 or settings.do_sample:
        step("note: the model asks for beams or sampling; the bundle's captions are greedy")


def decoder_fields(config: BlipConfig) -> dict[str, Any]:
    """The manifest's `decoder`, all but the file name. BLIP captions end with the separator token."""
    text = config.text_config
    return {
        "vocabSize": text.vocab_size,
        "layers": text.num_hidden_layers,
        "heads": text.num_attention_heads,
        "headDim": text.hidden_size // text.num_attention_heads,
        "maxPositions": text.max_position_embeddings,
        "eosId": text.sep_token_id,
        "promptIds": [text.bos_token_id],
    }


def parts(model: BlipForConditionalGeneration) -> dict[str, torch.nn.Module]:
    """`vision.pt` and `decoder.pt` before they are scripted, with the weights of the model itself."""
    position_type = getattr(model.config.text_config, "position_embedding_type", "absolute")
    if position_type != "absolute":
        raise UnsupportedError(f"BLIP decoder with '{position_type}' positions is not supported yet")
    return {"vision.pt": BlipVision(model.vision_model).eval(), "decoder.pt": BlipDecoder(model.text_decoder).eval()}


def script_parts(model: BlipForConditionalGeneration) -> tuple[torch.jit.ScriptModule, torch.jit.ScriptModule]:
    """`vision.pt` and `decoder.pt`."""
    return tuple(torch.jit.script(part) for part in parts(model).values())
