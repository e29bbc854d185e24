"""Models that graphs are made of: one for each distinct pair of towers, and one for each captioner."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
import transformers
from torch import nn
from transformers import BlipForConditionalGeneration, BlipImageProcessor

from ..caption import blip
from ..clip.image import ImageFeatures, image_fields, image_tower
from ..clip.model import create_model, refuse_config, refuse_model, trained_with_quick_gelu
from ..clip.text import text_fields, text_module
from ..clip.weightless import without_weights
from ..errors import ExportError, UnsupportedError

QUICK_GELU = "-quickgelu"

CLIP_TOKENIZER = "open-clip.json"
BERT_TOKENIZER = "bert-uncased.json"
# By open_clip's hf_tokenizer_name.
_TOKENIZER_FILES = {None: CLIP_TOKENIZER, "bert-base-uncased": BERT_TOKENIZER}

# What files of other versions of the libraries hold as well, and no module reads.
_CLIP_UNUSED = ["logit_scale", "logit_bias", "attn_mask", "input_resolution", "context_length", "vocab_size"]
_ENCODER_UNUSED = ["text.transformer.embeddings.position_ids"]
_COCA_UNUSED = ["text_decoder.*"]
_BLIP_UNUSED = ["text_decoder.bert.embeddings.position_ids", "vision_model.embeddings.position_ids", "logit_scale"]


@dataclass(frozen=True)
class Source:
    """A model in the publisher's own code, and how it becomes the modules of a bundle."""

    kind: str
    # The model on a device, in eval mode: on `meta` its tensors have shapes and no numbers, and take no memory.
    # With a file of weights where the second is given, as the library itself loads it.
    make: Callable[..., nn.Module]
    # By file name the module to script. It shares the model's tensors.
    parts: Callable[[nn.Module], dict[str, nn.Module]]
    # The manifest's fields.
    manifest: Callable[[nn.Module], dict[str, Any]]
    unused: list[str]
    # By a tensor's name, names that files of another layout give it.
    aliases: Callable[[nn.Module], dict[str, list[str]]]
    # Of CLIP models open_clip's own, which pads. None where it would ask the hub.
    tokenizer: Any = None


def graph_names() -> list[str]:
    """Every graph, in open_clip's order; captioners last."""
    names: dict[str, None] = {}
    for architecture in open_clip.list_models():
        if is_supported(architecture):
            activations = [
                False,
                *(
                    trained_with_quick_gelu(architecture, tag)
                    for tag in open_clip.list_pretrained_tags_by_model(architecture)
                ),
            ]
            names |= dict.fromkeys(graph_name(architecture, quick_gelu) for quick_gelu in activations)
    return [*names, *blip.HUB]


def graph_name(architecture: str, quick_gelu: bool) -> str:
    """The graph of an architecture with an activation.

    It has the name of the first architecture with the same configuration.
    """
    architecture = _first_of_the_same(architecture)
    if not quick_gelu or architecture.endswith(QUICK_GELU) or _has_quick_gelu(architecture):
        return architecture
    return architecture + QUICK_GELU


def source(name: str) -> Source:
    """The model of a graph's name; ExportError for an unknown one."""
    if name in blip.HUB:
        return blip_source(blip.builtin_config(name))
    quick_gelu = name.endswith(QUICK_GELU)
    known = open_clip.list_models()
    architecture = name if name in known else name.removesuffix(QUICK_GELU)
    if architecture not in known:
        raise ExportError(f"no graph '{name}'; known are {', '.join(graph_names())}")
    return clip_source(architecture, quick_gelu)


def clip_source(architecture: str, quick_gelu: bool = False) -> Source:
    """The model of an open_clip architecture, with QuickGELU or with what its configuration says."""

    def make(device: str, weights: str | None = None) -> nn.Module:
        options = {"force_quick_gelu": quick_gelu, "pretrained": weights}
        if device == "meta":
            with without_weights():
                return create_model(architecture, **options).eval()
        with torch.device(device):
            return create_model(architecture, device=device, **options).eval()

    def parts(model: nn.Module) -> dict[str, nn.Module]:
        refuse_model(architecture, model, config)
        towers = {"image.pt": ImageFeatures(image_tower(model.visual)), "text.pt": text_module(model, text)}
        return {name: tower.eval() for name, tower in towers.items()}

    def manifest(model: nn.Module) -> dict[str, Any]:
        return {
            "embedDim": int(config["embed_dim"]),
            "image": image_fields(model.visual.preprocess_cfg),
            "text": {"file": "text.pt", **text_fields(model, text)},
            "tokenizer": _tokenizer_fields(text),
        }

    def aliases(model: nn.Module) -> dict[str, list[str]]:
        # Weights from before the text tower was a module of its own are taken by open_clip, too.
        names = [name for name in model.state_dict() if name.startswith("text.")]
        return {name: [name.removeprefix("text.")] for name in names}

    config = open_clip.get_model_config(architecture)
    refuse_config(architecture, config)
    text = config["text_cfg"]
    tokenizer = None if text.get("hf_tokenizer_name") else open_clip.get_tokenizer(architecture)
    unused = [
        *_CLIP_UNUSED,
        *(_ENCODER_UNUSED if "hf_model_name" in text else []),
        *(_COCA_UNUSED if "multimodal_cfg" in config else []),
    ]
    return Source("clip", make, parts, manifest, unused, aliases, tokenizer)


def _tokenizer_fields(text_config: dict[str, Any]) -> dict[str, Any]:
    """The manifest's `tokenizer`: a file of the package, or the repository that open_clip takes it from."""
    repository = text_config.get("hf_tokenizer_name")
    # open_clip's own tokenizer cleans otherwise than those of transformers, unless its configuration says.
    clean = text_config.get("tokenizer_kwargs", {}).get("clean", "whitespace" if repository else "lower")
    if repository in _TOKENIZER_FILES:
        return {"file": _TOKENIZER_FILES[repository], "clean": clean}
    return {"repository": repository, "clean": clean}


def blip_source(config: transformers.BlipConfig) -> Source:
    """The model of a BLIP configuration."""

    def make(device: str) -> nn.Module:
        with torch.device(device):
            return BlipForConditionalGeneration(config).eval()

    def manifest(model: nn.Module) -> dict[str, Any]:
        size = config.vision_config.image_size
        processor = BlipImageProcessor(size={"height": size, "width": size})
        return {
            "family": "blip",
            "vision": {"file": "vision.pt", **blip.vision_fields(processor)},
            "decoder": {"file": "decoder.pt", **blip.decoder_fields(config)},
            "tokenizer": {"file": BERT_TOKENIZER},
        }

    return Source("caption", make, blip.parts, manifest, _BLIP_UNUSED, lambda _: {})


def is_supported(architecture: str) -> bool:
    """Whether graphs can be made of an open_clip architecture."""
    try:
        refuse_config(architecture, open_clip.get_model_config(architecture))
    except UnsupportedError:
        return False
    return True


def _has_quick_gelu(architecture: str) -> bool:
    return bool(open_clip.get_model_config(architecture).get("quick_gelu"))


def _first_of_the_same(architecture: str) -> str:
    """The first of the architectures with the same configuration."""
    # open_clip's own objects: get_model_config copies them, and here are many comparisons.
    configs = open_clip.factory._MODEL_CONFIGS
    return next(name for name in open_clip.list_models() if configs[name] == configs[architecture])
