"""clip-interrogator with the bugs mended that `compat: 'corrected'` mends in best, classic and fast mode."""

import contextlib
from collections.abc import Iterator
from unittest import mock

import open_clip


def is_full(text: str, tokenize) -> bool:
    """Whether a text, start and end token counted, takes all of the context, whatever id the tokenizer pads with."""
    if isinstance(tokenize, open_clip.tokenizer.HFTokenizer):
        whole = len(tokenize.tokenizer(tokenize.clean_fn(text)).input_ids)
    else:
        whole = len(tokenize.encode(text)) + 2
    return whole >= tokenize.context_length


def cut_to_fit(text: str, tokenize) -> str:
    """The parts up to the first that fills the context, which is tried as it would stand there."""
    kept, *parts = text.split(", ")
    for part in parts:
        longer = f"{kept}, {part}"
        if is_full(longer, tokenize):
            break
        kept = longer
    return kept


@contextlib.contextmanager
def mended() -> Iterator[None]:
    """Within it, clip-interrogator asks these two."""
    with mock.patch.multiple("clip_interrogator.clip_interrogator", _prompt_at_max_len=is_full, _truncate_to_fit=cut_to_fit):
        yield
