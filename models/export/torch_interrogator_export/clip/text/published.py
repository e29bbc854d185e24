"""Published configurations of open_clip's text towers from transformers, so that a tower is made without the hub."""

import contextlib
from collections.abc import Iterator
from unittest import mock

from transformers import AutoConfig, M2M100Config, MT5Config, PretrainedConfig, RobertaConfig, XLMRobertaConfig

# As each repository's config.json has them.
_CONFIGS = {
    "roberta-base": (RobertaConfig, {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}),
    "xlm-roberta-base": (XLMRobertaConfig, {"vocab_size": 250002, "max_position_embeddings": 514, "type_vocab_size": 1}),
    "xlm-roberta-large": (
        XLMRobertaConfig,
        {
            "vocab_size": 250002,
            "max_position_embeddings": 514,
            "type_vocab_size": 1,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
    ),
    "google/mt5-base": (
        MT5Config,
        {"vocab_size": 250112, "d_model": 768, "d_kv": 64, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
    ),
    "google/mt5-xl": (
        MT5Config,
        {"vocab_size": 250112, "d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
    ),
    "facebook/nllb-200-distilled-600M": (
        M2M100Config,
        {"vocab_size": 256206, "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12}
        | {"encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096},
    ),
    "facebook/nllb-200-distilled-1.3B": (
        M2M100Config,
        {"vocab_size": 256206, "d_model": 1024, "encoder_layers": 24, "decoder_layers": 24}
        | {"encoder_ffn_dim": 8192, "decoder_ffn_dim": 8192},
    ),
}
# RoBERTa's layer norms, which its class's defaults do not have.
_ROBERTA = {"layer_norm_eps": 1e-5}


def published_config(name: str, *arguments: object, **options: object) -> PretrainedConfig:
    """transformers' configuration of a repository: the one known here, else what the hub or its cache has."""
    if name not in _CONFIGS:
        return _from_hub(name, *arguments, **options)
    kind, values = _CONFIGS[name]
    eps = _ROBERTA if issubclass(kind, RobertaConfig | XLMRobertaConfig) else {}
    return kind(**values | eps)


_from_hub = AutoConfig.from_pretrained


@contextlib.contextmanager
def published_configs() -> Iterator[None]:
    """Within it, open_clip makes its text towers from transformers of these configurations."""
    with mock.patch(
        "open_clip.hf_model.AutoConfig.from_pretrained", lambda *args, **options: published_config(*args, **options)
    ):
        yield
