"""Text towers: which kind a model's is, its module, and the manifest's fields of it."""

from typing import Any

import torch
from open_clip.hf_model import HFTextEncoder
from torch import nn

from . import causal, encoder
from .bidirectional import POOLS, BidirectionalText
from .causal import CausalText, text_tower
from .causal_whole import CausalWholeText
from .class_token import ClassTokenText
from .encoder import EncoderText
from .special_tokens import SpecialTokens, special_tokens

# open_clip's, where a configuration says nothing.
_CONTEXT_LENGTH = 77

CAUSAL = "causal"
BIDIRECTIONAL = "bidirectional"


def context_length(text_config: dict[str, Any]) -> int:
    """Tokens of the longest text, start and end included."""
    return int(text_config.get("context_length", _CONTEXT_LENGTH))


def text_module(model: nn.Module, text_config: dict[str, Any]) -> nn.Module:
    """What scripts to `text.pt`, of a model that `refusal` accepts. It shares the model's tensors."""
    tower, tokens = text_tower(model), known_tokens(text_config)
    module = _module_of(tower, tokens)
    arguments: dict[type[nn.Module], tuple[Any, ...]] = {
        EncoderText: (context_length(text_config),),
        BidirectionalText: (tokens.pad, *_pooling(tower)),
        CausalWholeText: (tokens.end,),
    }
    return module(tower, *arguments.get(module, ())).eval()


def refusal(model: nn.Module, text_config: dict[str, Any]) -> str | None:
    """Why a text tower cannot be exported, or None where it can."""
    tower, tokens = text_tower(model), known_tokens(text_config)
    if isinstance(tower, HFTextEncoder):
        return encoder.refusal(tower)
    if not causal.has_plain_blocks(tower):
        return "text tower with custom attention blocks"
    if getattr(tower, "use_pad_mask", False):
        return "text tower that masks its padding"
    if _has_class_token(tower):
        return None
    pool, end = _pooling(tower)
    if tower.attn_mask is None:
        return None if pool in POOLS else f"bidirectional text tower that pools with '{pool}'"
    return None if causal.pools_at_the_end(pool, end, tokens.end) else causal.pooling_refusal(pool)


def text_fields(model: nn.Module, text_config: dict[str, Any]) -> dict[str, Any]:
    """The manifest's `text`, all but the file name."""
    tower, tokens = text_tower(model), known_tokens(text_config)
    return {
        "tower": CAUSAL if _module_of(tower, tokens) is CausalText else BIDIRECTIONAL,
        "contextLength": context_length(text_config),
        **_sizes(tower),
        "padId": tokens.pad,
        "sotId": tokens.start,
        "eotId": tokens.end,
    }


def embedding_rows(model: nn.Module) -> int:
    """How many ids the tower knows."""
    return _sizes(text_tower(model))["vocabSize"]


def script_text(model: nn.Module, text_config: dict[str, Any]) -> torch.jit.ScriptModule:
    """`text.pt` of an open_clip model that `refusal` accepts."""
    return torch.jit.script(text_module(model, text_config))


def known_tokens(text_config: dict[str, Any]) -> SpecialTokens:
    """Special tokens of a configuration that has been looked at."""
    tokens = special_tokens(text_config)
    assert tokens is not None, f"the tokenizer of {text_config} is not known"
    return tokens


def _module_of(tower: nn.Module, tokens: SpecialTokens) -> type[nn.Module]:
    if isinstance(tower, HFTextEncoder):
        return EncoderText
    if _has_class_token(tower):
        return ClassTokenText
    if tower.attn_mask is None:
        return BidirectionalText
    return CausalWholeText if tokens.start is None else CausalText


def _sizes(tower: nn.Module) -> dict[str, int]:
    return encoder.sizes(tower) if isinstance(tower, HFTextEncoder) else causal.sizes(tower)


def _has_class_token(tower: nn.Module) -> bool:
    return getattr(tower, "cls_emb", None) is not None


def _pooling(tower: nn.Module) -> tuple[str, int]:
    """Where the feature is read, and the end token's id, which counts for one of the ways."""
    pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", None))
    return pool, int(getattr(tower, "text_eos_id", getattr(tower, "eos_id", -1)))
