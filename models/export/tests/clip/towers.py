"""Small models of each kind of tower, and what open_clip's own code answers."""

from typing import Any

import open_clip
import torch
from torch import nn
from transformers import M2M100Config, MT5Config, PretrainedConfig, RobertaConfig, XLMRobertaConfig

from torch_interrogator_export.clip.text.published import published_config

EMBED_DIM = 32
VISION = {"image_size": 32, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8}
TEXT = {"context_length": 12, "vocab_size": 300, "width": 32, "heads": 4, "layers": 3}

_ENCODERS: dict[str, PretrainedConfig] = {
    "tiny/roberta": RobertaConfig(
        vocab_size=300,
        max_position_embeddings=90,
        type_vocab_size=1,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        layer_norm_eps=1e-5,
    ),
    "tiny/xlm-roberta": XLMRobertaConfig(
        vocab_size=300,
        max_position_embeddings=90,
        type_vocab_size=1,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        layer_norm_eps=1e-5,
    ),
    "tiny/mt5": MT5Config(vocab_size=300, d_model=24, d_kv=8, d_ff=48, num_layers=3, num_heads=4),
    "tiny/m2m": M2M100Config(
        vocab_size=300,
        d_model=32,
        encoder_layers=3,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
    ),
}


def tiny_encoder(name: str, *arguments: object, **options: object) -> PretrainedConfig:
    """What stands in for published_config: small encoders under names of their own."""
    return _ENCODERS[name] if name in _ENCODERS else published_config(name, *arguments, **options)


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """Noise on every parameter: what a library initialises with one number, or nearly nothing, must show."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(torch.randn(tensor.shape, generator=generator).abs() * 0.05)
    return model.eval()


def random_ids(length: int, batch: int, seed: int, low: int = 10) -> torch.Tensor:
    """int64 [batch, length], none of them a special token of the small models."""
    return torch.randint(low, TEXT["vocab_size"], (batch, length), generator=torch.Generator().manual_seed(seed))


def text_transformer(config: dict[str, Any], quick_gelu: bool = False) -> nn.Module:
    """open_clip's text tower of a `text_cfg`."""
    return randomised(open_clip.model._build_text_tower(EMBED_DIM, TEXT | config, quick_gelu))


def vision_tower(config: dict[str, Any]) -> nn.Module:
    """open_clip's image tower of a `vision_cfg`."""
    return randomised(open_clip.model._build_vision_tower(EMBED_DIM, config))
