"""Models that graphs are made of: one for each distinct pair of towers, and one for each captioner."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import open_clip
import torch
import transformers
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from torch import nn

from ..caption.families import HUB, builtin_config, family_of_name
from ..caption.family import Family
from ..caption.processor import vision_fields
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

# open_clip makes zeros of it where its configuration says `strip_sep_token`.
_BERT_SEPARATOR = 102

# What files of other versions of the libraries hold as well, and no module reads.
_CLIP_UNUSED = ["logit_scale", "logit_bias", "attn_mask", "input_resolution", "context_length", "vocab_size"]

# Fields of open_clip's configurations that do not change what a trained model answers.
_TRAINING = {
    "patch_dropout",
    "output_tokens",
    "timm_model_pretrained",
    "timm_drop",
    "timm_drop_path",
    "hf_model_pretrained",
}
_CAPTION_SETTINGS = (
    "activation_function",
    "bos_token_id",
    "dense_act_fn",
    "do_layer_norm_before",
    "hidden_act",
    "image_size",
    "layer_norm_eps",
    "layer_norm_epsilon",
    "num_attention_heads",
    "num_heads",
    "num_hidden_layers",
    "num_layers",
    "patch_size",
    "relative_attention_max_distance",
    "relative_attention_num_buckets",
    "sep_token_id",
)
_ENCODER_UNUSED = ["text.transformer.embeddings.position_ids"]
_COCA_UNUSED = ["text_decoder.*"]


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
    # What the publisher's configuration says of the networks, whether or not it shows in shapes.
    config: dict[str, Any]
    unused: list[str]
    # By a tensor's name, names that files of another layout give it.
    aliases: Callable[[nn.Module], dict[str, list[str]]]
    # Of CLIP models open_clip's own, which pads. None where it would ask the hub.
    tokenizer: Any = None
    # Of captioners.
    family: Family | None = None


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
    return [*names, *HUB]


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
    family = family_of_name(name)
    if family:
        # BLIP's vocabulary is BERT's, which the package has; the others' come with their weights.
        tokenizer = {"file": BERT_TOKENIZER} if family.name == "blip" else {"repository": HUB[name]}
        return caption_source(family, builtin_config(name), tokenizer)
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
    settings = open_clip_settings(config, quick_gelu)
    return Source("clip", make, parts, manifest, settings, unused, aliases, tokenizer)


def _tokenizer_fields(text_config: dict[str, Any]) -> dict[str, Any]:
    """The manifest's `tokenizer`: a file of the package, or the repository that open_clip takes it from."""
    repository = text_config.get("hf_tokenizer_name")
    settings = text_config.get("tokenizer_kwargs", {})
    # open_clip's own tokenizer cleans otherwise than those of transformers, unless its configuration says.
    fields: dict[str, Any] = {"clean": settings.get("clean", "whitespace" if repository else "lower")}
    if settings.get("strip_sep_token"):
        fields["stripSepId"] = _BERT_SEPARATOR
    if repository in _TOKENIZER_FILES:
        return {"file": _TOKENIZER_FILES[repository], **fields}
    return {"repository": repository, **fields}


def caption_source(family: Family, config: transformers.PretrainedConfig, tokenizer: dict[str, str]) -> Source:
    """The captioner of a configuration; `tokenizer` is the manifest's."""

    def make(device: str) -> nn.Module:
        with torch.device(device):
            return family.model(config).eval()

    def manifest(model: nn.Module) -> dict[str, Any]:
        return {
            "family": family.name,
            "vision": {"file": "vision.pt", **vision_fields(family.image_processor(config))},
            "decoder": {"file": "decoder.pt", **family.decoder_fields(model)},
            "tokenizer": tokenizer,
        }

    settings = caption_settings(config)
    return Source("caption", make, family.parts, manifest, settings, family.unused, lambda _: {}, family=family)


def open_clip_settings(config: dict[str, Any], quick_gelu: bool) -> dict[str, Any]:
    """A configuration of open_clip as its `model_cfg`, with its defaults written out, without what is for training alone."""
    vision, text = CLIPVisionCfg(**config["vision_cfg"]), CLIPTextCfg(**config["text_cfg"])
    parts = {"vision_cfg": asdict(vision), "text_cfg": asdict(text)}
    return {
        "embed_dim": config["embed_dim"],
        "quick_gelu": quick_gelu or bool(config.get("quick_gelu")),
        **{name: {key: value for key, value in part.items() if key not in _TRAINING} for name, part in parts.items()},
    }


def caption_settings(config: transformers.PretrainedConfig) -> dict[str, Any]:
    """A captioner's configuration as transformers keeps it in `config.json`, without what nothing here reads."""

    def chosen(part: transformers.PretrainedConfig) -> dict[str, Any]:
        return {name: getattr(part, name) for name in _CAPTION_SETTINGS if getattr(part, name, None) is not None}

    # GIT's text settings are not a part of their own.
    own = {} if "text_config" in config.sub_configs else chosen(config)
    return {
        "model_type": config.model_type,
        **own,
        **{name: chosen(getattr(config, name)) for name in sorted(config.sub_configs, reverse=True)},
    }


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
