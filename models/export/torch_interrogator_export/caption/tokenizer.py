"""A captioner's tokenizer as a `tokenizer.json`; BERT's, which BLIP and GIT speak, where none comes with the weights."""

import importlib.resources
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

from ..errors import ExportError

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# BLIP's own two follow BERT's vocabulary: what a decoder starts from, and what an encoder does.
_BLIP = ["[DEC]", "[ENC]"]

# What transformers does to a decoded text after the tokenizer's own decoder, in its order (clean_up_tokenization).
_CLEANED = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"]


def write_tokenizer(origin: str | None, path: Path, default: Tokenizer | None) -> bool:
    """Writes the tokenizer of a model folder or hub name, and `default` where there is none.

    Returns whether transformers takes blanks out of what it decodes (clean_up_tokenization_spaces); the file does so, too.
    """
    if origin is not None and (not Path(origin).exists() or _has_tokenizer(Path(origin))):
        try:
            source = AutoTokenizer.from_pretrained(origin, use_fast=True)
        except Exception as error:
            raise ExportError(f"could not load the tokenizer of {origin}: {' '.join(str(error).split())[:200]}") from error
        tokenizer, cleaned = source.backend_tokenizer, bool(source.clean_up_tokenization_spaces)
        if cleaned:
            _clean_up(tokenizer)
    elif default is None:
        raise ExportError(
            "the model comes without a tokenizer, and this family has none of its own; put its tokenizer.json there"
        )
    else:
        tokenizer, cleaned = default, True
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(path), pretty=False)
    return cleaned


def bert_uncased() -> Tokenizer:
    """bert-base-uncased (30,522 entries) with [DEC] 30522 and [ENC] 30523; it adds no special tokens."""
    source = importlib.resources.files("torch_interrogator_export") / "data" / "bert-base-uncased-vocab.txt"
    words = [line.rstrip("\n") for line in source.read_text(encoding="utf-8").split("\n") if line]
    vocabulary = {word: index for index, word in enumerate([*words, *_BLIP])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    _clean_up(tokenizer)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in _SPECIAL + _BLIP])
    return tokenizer


def _clean_up(tokenizer: Tokenizer) -> None:
    replacements = [decoders.Replace(text, text.strip()) for text in _CLEANED]
    tokenizer.decoder = decoders.Sequence([tokenizer.decoder, decoders.Fuse(), *replacements])


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt"))
