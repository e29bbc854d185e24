"""`export clip`: an open_clip model as a bundle."""

import difflib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer

from . import image
from .bundle import copy_vocabulary, new_bundle, save_module, step
from .checks.clip import check_clip
from .errors import ExportError, UnsupportedError, UsageError
from .manifest import write_manifest
from .source import Weights, existing
from .text import causal
from .tokenizer.clip_bpe import cleaning, write_tokenizer


@dataclass(frozen=True)
class ClipOptions:
    """What `export clip` takes; see `--help`."""

    model: str
    out: Path
    weights: Weights = field(default_factory=Weights)
    config: str | None = None
    precision: str = "fp32"
    vocabulary: str | None = None
    device: str = "cpu"


def export_clip(options: ClipOptions) -> None:
    """Writes the bundle to `options.out`, checked against the model that it came from."""
    architecture, _, tag = options.model.partition("/")
    if options.config is not None:
        register_config(architecture, options.config)
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise UsageError(_unknown(architecture))
    refuse_config(architecture, config)
    if trained_with_quick_gelu(architecture, tag):
        config["quick_gelu"] = True
    model = load_model(architecture, tag, options.weights, options.device)
    tokenizer = open_clip.get_tokenizer(architecture)
    kind = refuse_model(architecture, model, tokenizer)

    with new_bundle(options.out) as folder:
        tower = image.SUPPORTED[kind]
        step("scripting the towers")
        scripted_text = causal.script_text(model)
        preprocess = dict(model.visual.preprocess_cfg)
        text_fields = causal.text_fields(model, tokenizer)
        scripted_image = tower.script_image(model.visual)
        save_module(scripted_image, folder / "image.pt", options.precision)
        save_module(scripted_text, folder / "text.pt", options.precision)
        del scripted_image, scripted_text
        step("writing tokenizer.json")
        write_tokenizer(tokenizer, folder / "tokenizer.json")
        vocabulary = copy_vocabulary(options.vocabulary, folder)
        size = preprocess["size"]
        height, width = (size, size) if isinstance(size, int) else size
        fields = {
            "embedDim": int(config["embed_dim"]),
            "image": {
                "file": "image.pt",
                "tower": kind,
                "size": [int(height), int(width)],
                "mean": list(preprocess["mean"]),
                "std": list(preprocess["std"]),
                "interpolation": preprocess["interpolation"],
                "resizeMode": preprocess["resize_mode"],
                "fill": preprocess["fill_color"],
            },
            "text": {"file": "text.pt", **text_fields},
            "tokenizer": {"file": "tokenizer.json", "clean": cleaning(tokenizer)},
            "vocabulary": vocabulary,
            "source": {
                "library": f"open_clip_torch {open_clip.__version__}",
                "architecture": architecture,
                "pretrained": tag,
                **options.weights.fields(),
                "config": config,
            },
        }
        step("hashing the files")
        write_manifest(folder, "clip", options.model, options.precision, fields)
        # The scripted modules shared the model's weights, and saving changed their device or precision.
        if options.precision != "fp32" or options.device != "cpu":
            model = load_model(architecture, tag, options.weights, options.device)
        step("comparing the bundle with the model")
        check_clip(folder, model, tokenizer, options.device)
    step(f"done: {options.out}")


def register_config(architecture: str, file: str) -> None:
    """Makes an open_clip model config known under `architecture`, whatever the file is called."""
    if architecture in open_clip.list_models():
        raise UsageError(f"open_clip already knows a model '{architecture}'; give yours another name than a known one")
    text = Path(existing(file, "--config")).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"{architecture}.json"
        named.write_text(text, encoding="utf-8")
        try:
            open_clip.add_model_config(named)
        except ValueError as error:
            raise UsageError(f"--config {file} is not JSON: {error}") from error
    if architecture not in open_clip.list_models():
        raise UsageError(f"--config {file} is no open_clip model config: it needs embed_dim, vision_cfg and text_cfg")


def refuse_config(architecture: str, config: dict[str, Any]) -> None:
    """UnsupportedError for what the configuration alone rules out, before any download."""
    text, vision = config["text_cfg"], config["vision_cfg"]
    refusal = None
    if "multimodal_cfg" in config:
        refusal = "image tower 'coca'"
    elif vision.get("timm_model_name"):
        refusal = f"image tower 'timm' ({vision['timm_model_name']})"
    elif isinstance(vision.get("attentional_pool"), str):
        # open_clip marks it untested, and outside CoCa it gives one row too many dimensions.
        refusal = f"image tower with '{vision['attentional_pool']}' attention pooling"
    elif text.get("hf_model_name"):
        refusal = f"text tower from transformers ({text['hf_model_name']})"
    elif text.get("no_causal_mask"):
        refusal = "bidirectional text tower"
    elif text.get("embed_cls"):
        refusal = "text tower with a class token"
    elif text.get("hf_tokenizer_name"):
        refusal = f"tokenizer '{text['hf_tokenizer_name']}'"
    if refusal:
        raise UnsupportedError(
            f"{architecture}: {refusal} is not supported yet; ViT and ResNet images with the causal CLIP text tower are"
        )


def refuse_model(architecture: str, model: torch.nn.Module, tokenizer: Any) -> str:
    """The image tower's kind, or UnsupportedError for a model that cannot be exported."""
    kind = image.tower_kind(model)
    if kind not in image.SUPPORTED:
        raise UnsupportedError(f"{architecture}: image tower '{kind}' is not supported yet; 'vit' and 'resnet' are")
    if not isinstance(tokenizer, SimpleTokenizer):
        raise UnsupportedError(f"{architecture}: tokenizer {type(tokenizer).__name__} is not supported yet")
    refusal = causal.refusal(model, tokenizer.eot_token_id)
    if refusal:
        raise UnsupportedError(f"{architecture}: {refusal} is not supported yet; the causal CLIP tower is")
    rows = causal.text_tower(model).token_embedding.weight.shape[0]
    if rows < tokenizer.vocab_size:
        raise ExportError(
            f"{architecture}: text_cfg.vocab_size is {rows}, fewer than the tokenizer's {tokenizer.vocab_size} ids"
        )
    return kind


def trained_with_quick_gelu(architecture: str, tag: str) -> bool:
    """Whether a tag's weights were trained with QuickGELU. A tag that does not say follows its model's config.

    open_clip 3.3.0 gives OpenAI's weights GELU under their plain name, and only warns; clip-interrogator's open_clip 2 gave
    them QuickGELU.
    """
    said = open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu")
    return bool(open_clip.get_model_config(architecture).get("quick_gelu") if said is None else said)


def load_model(architecture: str, tag: str, weights: Weights, device: str) -> torch.nn.Module:
    """The open_clip model in float32 and eval mode, with the activation and the preprocessing of its tag."""
    tag_config = open_clip.get_pretrained_cfg(architecture, tag)
    overrides: dict[str, Any] = {"force_quick_gelu": trained_with_quick_gelu(architecture, tag)}
    if weights.seed is not None:
        step(f"making {architecture} from seed {weights.seed}")
        torch.manual_seed(weights.seed)
        return open_clip.create_model(architecture, **overrides).eval().to(device)
    if weights.checkpoint is not None:
        step(f"loading {architecture} from {weights.checkpoint}")
        if tag_config:
            overrides["force_preprocess_cfg"] = dict(tag_config)
        try:
            return open_clip.create_model(architecture, pretrained=weights.checkpoint, **overrides).eval().to(device)
        except Exception as error:
            raise ExportError(f"{weights.checkpoint} does not fit {architecture}: {_first_line(error)}") from error
    if not tag:
        raise UsageError(
            f"{architecture} names no pretrained tag: {_tags(architecture)}, or give --checkpoint or --untrained"
        )
    if not tag_config:
        raise UsageError(f"{architecture} has no pretrained tag '{tag}': {_tags(architecture)}")
    step(f"fetching {architecture}/{tag}")
    try:
        return open_clip.create_model(architecture, pretrained=tag, **overrides).eval().to(device)
    except Exception as error:
        raise ExportError(
            f"could not get the weights of {architecture}/{tag} ({_first_line(error)}); "
            "check the network, or give --checkpoint FILE or --untrained"
        ) from error


def _unknown(architecture: str) -> str:
    close = difflib.get_close_matches(architecture, open_clip.list_models(), 3, 0.5)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return f"open_clip knows no model '{architecture}'{hint}; a config of your own goes with --config FILE"


def _tags(architecture: str) -> str:
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    return f"known are {', '.join(tags)}" if tags else "it has none"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
