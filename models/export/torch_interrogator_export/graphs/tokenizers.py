"""The tokenizers that graphs name, one file for all that share it."""

from pathlib import Path

import open_clip

from ..caption.tokenizer import bert_uncased
from ..caption.tokenizer import write_tokenizer as write_bert_tokenizer
from ..clip.tokenizer import write_tokenizer as write_clip_tokenizer
from .sources import BERT_TOKENIZER, CLIP_TOKENIZER


def write_all(folder: Path) -> None:
    """Writes every tokenizer as the exporter gives it to a bundle."""
    write_clip_tokenizer(open_clip.get_tokenizer("ViT-B-32"), folder / CLIP_TOKENIZER)
    write_bert_tokenizer(None, folder / BERT_TOKENIZER, bert_uncased())
