"""open_clip's tokenizers as a `tokenizer.json`."""

from pathlib import Path
from typing import Any

from open_clip.tokenizer import HFTokenizer, SimpleTokenizer, get_clean_fn
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from ..errors import UnsupportedError

# SimpleTokenizer's pattern matches without regard to case, and so takes the long s for an s; the classes spell that out
# because not every regex engine has inline flags. Cleaning leaves no white space but the blank.
_WORDS = (
    r"'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
    r"|[\p{L}]+|[\p{N}]|[^ \p{L}\p{N}]+"
)


def cleaning(tokenizer: Any) -> str:
    """The manifest's `tokenizer.clean` of an open_clip tokenizer."""
    for name in ("lower", "whitespace", "canonicalize"):
        if tokenizer.clean_fn is get_clean_fn(name):
            return name
    raise UnsupportedError(f"tokenizer cleaning {tokenizer.clean_fn.__name__} is not supported yet")


def write_tokenizer(source: SimpleTokenizer | HFTokenizer, path: Path) -> None:
    """Writes a tokenizer with `source`'s ids for text that is already cleaned, special tokens aside."""
    if isinstance(source, HFTokenizer):
        _write_transformers_tokenizer(source, path)
    else:
        _write_bpe(source, path)


def content_ids(source: SimpleTokenizer | HFTokenizer, text: str) -> list[int]:
    """The ids of a text before start, end and padding are added."""
    if isinstance(source, HFTokenizer):
        return source.tokenizer(source.clean_fn(text), add_special_tokens=False).input_ids
    return source.encode(text)


def _write_transformers_tokenizer(source: HFTokenizer, path: Path) -> None:
    if not source.tokenizer.is_fast:
        raise UnsupportedError(f"{type(source.tokenizer).__name__} is not supported: it cannot be written as tokenizer.json")
    tokenizer = Tokenizer.from_str(source.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(path), pretty=False)


def _write_bpe(source: SimpleTokenizer, path: Path) -> None:
    """Writes a BPE tokenizer with `source.encode`'s ids for text that is already cleaned; it adds no special tokens.

    One known difference: `<end_of_text>` spelt out right after punctuation is a special token here, and is not there.
    """
    if source.reduction_fn is not None:
        raise UnsupportedError("tokenizers with a reduction mask are not supported: they drop tokens at random")
    merges = sorted(source.bpe_ranks, key=source.bpe_ranks.__getitem__)
    tokenizer = Tokenizer(models.BPE(vocab=dict(source.encoder), merges=merges, end_of_word_suffix="</w>"))
    words = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, in_bytes])
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("</w>", " ")])
    special = [source.decoder[token] for token in source.all_special_ids]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    tokenizer.save(str(path), pretty=False)
