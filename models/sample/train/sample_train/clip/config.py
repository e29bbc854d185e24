"""The CLIP's open_clip config, and its tokenizer: CLIP's own byte pairs, cut to those that this domain's words need."""

import gzip
import json
from pathlib import Path

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from torch.nn.utils.rnn import pad_sequence

from ..paths import TRAIN, WORK

ARCHITECTURE = "sample"
CONFIG_FILE = TRAIN / "config" / "sample.json"
# The most frequent of CLIP's 48,894 merges; rarer words come apart into more tokens.
_MERGES = 7000


def build_clip() -> CLIP:
    """The untrained model of config/sample.json."""
    return CLIP(**_config())


def build_tokenizer() -> SimpleTokenizer:
    """The tokenizer that open_clip makes for the config, its merges written first."""
    text = _config()["text_cfg"]
    merges = TRAIN / text["tokenizer_kwargs"]["bpe_path"]
    _write_merges(merges)
    tokenizer = SimpleTokenizer(context_length=text["context_length"], bpe_path=str(merges))
    if tokenizer.vocab_size != text["vocab_size"]:
        raise ValueError(f"{CONFIG_FILE}: text_cfg.vocab_size should be {tokenizer.vocab_size}")
    return tokenizer


class TokenRows:
    """Texts as token rows, none longer than needed. Byte pairs never cross a space, so words are cut once and joined."""

    def __init__(self):
        self._tokenizer = build_tokenizer()
        self._words: dict[str, list[int]] = {}

    def __call__(self, texts: list[str]) -> torch.Tensor:
        """int64 [N, longest], zero after the end token."""
        return pad_sequence([torch.tensor(self._row(text)) for text in texts], batch_first=True)

    def _row(self, text: str) -> list[int]:
        ids = [self._tokenizer.sot_token_id]
        for word in text.lower().split():
            if word not in self._words:
                self._words[word] = self._tokenizer.encode(word)
            ids += self._words[word]
        return [*ids[: self._tokenizer.context_length - 1], self._tokenizer.eot_token_id]


def _config() -> dict:
    return json.loads(CONFIG_FILE.read_text("utf-8"))


def _write_merges(path: Path) -> None:
    """Byte pair merges are ordered by frequency, so the first ones are a tokenizer of their own."""
    if path.exists():
        return
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode("utf-8").split("\n")
    WORK.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(lines[: 1 + _MERGES]).encode("utf-8"), mtime=0))
