"""Models of a graph's architecture with fewer layers: the same code, small enough for any machine."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any
from unittest import mock

import open_clip
import timm
from transformers import PretrainedConfig

from ..clip.text import published
from . import sources

# Larger embeddings of tokens are cut to as many rows, which hold the special tokens that are known.
_MOST_ROWS = 100_000
_ROWS = 32_000
# Its language codes are its last rows.
_WHOLE = "m2m_100"

# By the beginning of a timm model's name: stages, and the argument that says how deep they are.
_TIMM_STAGES = {
    "convnext": ("depths", 4),
    "swin": ("depths", 4),
    "fastvit_mci3": ("layers", 5),
    "fastvit_mci4": ("layers", 5),
    "fastvit": ("layers", 4),
}


@contextlib.contextmanager
def reduced(depth: int) -> Iterator[None]:
    """Within it, open_clip's architectures and captioners have at most `depth` layers, or as many in each stage or part."""
    configs = {name: _reduced_config(config, depth) for name, config in open_clip.factory._MODEL_CONFIGS.items()}
    make_timm, publish, builtin = timm.create_model, published.published_config, sources.builtin_config

    def make_reduced(name: str, **options: Any) -> Any:
        return make_timm(name, **options | _timm_options(name, depth))

    def publish_reduced(name: str, *arguments: Any, **options: Any) -> PretrainedConfig:
        return _reduced_encoder(publish(name, *arguments, **options), depth)

    def builtin_reduced(name: str) -> PretrainedConfig:
        config = builtin(name)
        for part in (config, *(getattr(config, part) for part in config.sub_configs)):
            _reduced_encoder(part, depth)
        return config

    with (
        mock.patch.object(open_clip.factory, "_MODEL_CONFIGS", configs),
        mock.patch.object(timm, "create_model", make_reduced),
        mock.patch.object(published, "published_config", publish_reduced),
        mock.patch.object(sources, "builtin_config", builtin_reduced),
    ):
        yield


def _reduced_config(config: dict[str, Any], depth: int) -> dict[str, Any]:
    result = copy.deepcopy(config)
    for part in ("vision_cfg", "text_cfg", "multimodal_cfg"):
        # The layers where a configuration says nothing are open_clip's 12.
        layers = result.get(part, {}).get("layers", 12)
        if part in result:
            result[part]["layers"] = (
                [min(each, depth) for each in layers] if isinstance(layers, list) else min(layers, depth)
            )
    if result["text_cfg"].get("vocab_size", 0) > _MOST_ROWS:
        result["text_cfg"]["vocab_size"] = _ROWS
    return result


def _timm_options(name: str, depth: int) -> dict[str, Any]:
    found = next((stages for prefix, stages in _TIMM_STAGES.items() if name.startswith(prefix)), None)
    if found is None:
        return {"depth": depth}
    argument, stages = found
    return {argument: (depth,) * stages}


def _reduced_encoder(config: PretrainedConfig, depth: int) -> PretrainedConfig:
    for name in ("num_hidden_layers", "num_layers", "num_decoder_layers", "encoder_layers", "decoder_layers"):
        # Names of one that the class maps to another are the same number.
        if hasattr(config, name):
            setattr(config, name, min(getattr(config, name), depth))
    if config.model_type != _WHOLE and getattr(config, "vocab_size", 0) > _MOST_ROWS:
        config.vocab_size = _ROWS
    return config
