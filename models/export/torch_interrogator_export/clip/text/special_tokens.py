"""Start, end and padding of an architecture's texts, as open_clip's tokenizer of it adds them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SpecialTokens:
    """Ids that the core and the towers add to a text. `start` is None where texts begin without one."""

    start: int | None
    end: int
    pad: int


CLIP = SpecialTokens(49406, 49407, 0)
_ROBERTA = SpecialTokens(0, 2, 1)
# Of T5's and Gemma's sentencepiece models.
_MT5 = SpecialTokens(None, 1, 0)
_GEMMA = SpecialTokens(None, 1, 0)
# timm's repositories say that SigLIP's first tokenizers pad with the end token.
_SIGLIP = SpecialTokens(None, 1, 1)
# Its language code for English comes first.
_NLLB = SpecialTokens(256047, 2, 1)
# [CLS] and [SEP].
_BERT = SpecialTokens(101, 102, 0)

# By the beginning of open_clip's hf_tokenizer_name; the first that fits counts.
_BY_REPOSITORY = {
    "roberta-base": _ROBERTA,
    "xlm-roberta-": _ROBERTA,
    "facebook/xlm-v-base": _ROBERTA,
    "google/mt5-": _MT5,
    "facebook/nllb-200-": _NLLB,
    "bert-base-uncased": _BERT,
    "timm/ViT-": _SIGLIP,
}
_SIGLIP_2 = "SigLIP2"


def special_tokens(text_config: dict[str, Any]) -> SpecialTokens | None:
    """By an open_clip `text_cfg`; None for a tokenizer that is not known."""
    name = text_config.get("hf_tokenizer_name")
    if not name:
        return CLIP
    found = next((tokens for prefix, tokens in _BY_REPOSITORY.items() if name.startswith(prefix)), None)
    if found is _SIGLIP and _SIGLIP_2 in name:
        found = _GEMMA
    if found and text_config.get("tokenizer_kwargs", {}).get("strip_sep_token"):
        # open_clip puts zeros in place of [SEP].
        return SpecialTokens(found.start, 0, found.pad)
    return found
