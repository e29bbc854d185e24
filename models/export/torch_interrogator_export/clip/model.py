"""open_clip models: which of them can be exported, and how one is made."""

import difflib
import tempfile
from pathlib import Path
from typing import Any

import open_clip
import torch

from ..bundle import step
from ..checkpoint import open_clip_config, open_clip_weights
from ..errors import ExportError, UnsupportedError, UsageError
from ..source import Weights, existing
from .text import embedding_rows, known_tokens
from .text import refusal as text_refusal
from .text.published import published_configs
from .text.special_tokens import special_tokens


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


def model_config(architecture: str, tag: str, weights: Weights) -> dict[str, Any]:
    """open_clip's config of a model, with the activation of its weights."""
    config = open_clip.get_model_config(architecture)
    if config is None:
        close = difflib.get_close_matches(architecture, open_clip.list_models(), 3, 0.5)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        raise UsageError(f"open_clip knows no model '{architecture}'{hint}; a config of your own goes with --config FILE")
    return config | ({"quick_gelu": True} if _activation_and_preprocessing(architecture, tag, weights)[0] else {})


def refuse_config(architecture: str, config: dict[str, Any]) -> None:
    """UnsupportedError for what the configuration alone rules out, before any download."""
    text, pooling = config["text_cfg"], config["vision_cfg"].get("attentional_pool")
    refusals = {
        # open_clip marks it untested, and outside CoCa it gives one row too many dimensions.
        f"image tower with '{pooling}' attention pooling": isinstance(pooling, str),
        f"tokenizer '{text.get('hf_tokenizer_name')}'": special_tokens(text) is None,
        f"tokenizer in mode '{text.get('tokenizer_mode')}'": text.get("tokenizer_mode"),
    }
    refusal = next((what for what, applies in refusals.items() if applies), None)
    if refusal:
        raise UnsupportedError(f"{architecture}: {refusal} is not supported yet")


def refuse_model(architecture: str, model: torch.nn.Module, config: dict[str, Any]) -> None:
    """UnsupportedError or ExportError for a model that `refuse_config` let pass and that cannot be exported all the same."""
    refusal = text_refusal(model, config["text_cfg"])
    if refusal:
        raise UnsupportedError(f"{architecture}: {refusal} is not supported yet")
    rows, wanted = embedding_rows(model), least_rows(config["text_cfg"])
    if rows < wanted:
        raise ExportError(f"{architecture}: text_cfg.vocab_size is {rows}, fewer than the tokenizer's {wanted} ids")


def least_rows(text_config: dict[str, Any]) -> int:
    """How many ids a tower must know for its tokenizer: all of open_clip's own, of others the special ones."""
    tokens = known_tokens(text_config)
    # The end token is the last of open_clip's.
    return max(tokens.start or 0, tokens.end, tokens.pad) + 1


def trained_with_quick_gelu(architecture: str, tag: str) -> bool:
    """Whether a tag's weights were trained with QuickGELU. A tag that does not say follows its model's config.

    open_clip 3.3.0 gives OpenAI's weights GELU under their plain name, and only warns; clip-interrogator's open_clip 2 gave
    them QuickGELU.
    """
    said = open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu")
    return bool(open_clip.get_model_config(architecture).get("quick_gelu") if said is None else said)


def _activation_and_preprocessing(architecture: str, tag: str, weights: Weights) -> tuple[bool, dict[str, Any]]:
    """QuickGELU or not, and preprocess_cfg: of a checkpoint's own open_clip_config.json, else of the tag."""
    own = open_clip_config(Path(weights.checkpoint)) if weights.checkpoint else {}
    quick_gelu = own.get("model_cfg", {}).get("quick_gelu", trained_with_quick_gelu(architecture, tag))
    return bool(quick_gelu), own.get("preprocess_cfg") or open_clip.get_pretrained_cfg(architecture, tag)


def load_model(architecture: str, tag: str, weights: Weights, device: str) -> torch.nn.Module:
    """The open_clip model in float32 and eval mode, with the activation and the preprocessing of its weights."""
    quick_gelu, preprocessing = _activation_and_preprocessing(architecture, tag, weights)
    overrides: dict[str, Any] = {"force_quick_gelu": quick_gelu}
    if weights.seed is not None:
        step(f"making {architecture} from seed {weights.seed}")
        torch.manual_seed(weights.seed)
        return create_model(architecture, **overrides).eval().to(device)
    if weights.checkpoint is not None:
        file = open_clip_weights(Path(weights.checkpoint))
        step(f"loading {architecture} from {file}")
        if preprocessing:
            overrides["force_preprocess_cfg"] = dict(preprocessing)
        try:
            return create_model(architecture, pretrained=str(file), **overrides).eval().to(device)
        except Exception as error:
            raise ExportError(f"{file} does not fit {architecture}: {_first_line(error)}") from error
    if not tag:
        raise UsageError(
            f"{architecture} names no pretrained tag: {_tags(architecture)}, or give --checkpoint or --untrained"
        )
    if not open_clip.get_pretrained_cfg(architecture, tag):
        raise UsageError(f"{architecture} has no pretrained tag '{tag}': {_tags(architecture)}")
    step(f"fetching {architecture}/{tag}")
    try:
        return create_model(architecture, pretrained=tag, **overrides).eval().to(device)
    except Exception as error:
        raise ExportError(
            f"could not get the weights of {architecture}/{tag} ({_first_line(error)}); "
            "check the network, or give --checkpoint FILE or --untrained"
        ) from error


def create_model(architecture: str, **options: Any) -> torch.nn.Module:
    """open_clip's create_model, with no file but the model's own: of its towers' configurations the hub is not asked."""
    with published_configs():
        return open_clip.create_model(architecture, pretrained_text=False, **options)


def _tags(architecture: str) -> str:
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    return f"known are {', '.join(tags)}" if tags else "it has none"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
