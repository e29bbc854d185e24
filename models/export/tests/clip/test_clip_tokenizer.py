"""A CLIP bundle's tokenizer.json against open_clip's tokenizer."""

import open_clip
import pytest
from open_clip.tokenizer import SimpleTokenizer, get_clean_fn
from texts import ODD, vocabulary
from tokenizers import Tokenizer

from torch_interrogator_export.clip.tokenizer import cleaning, write_tokenizer
from torch_interrogator_export.errors import UnsupportedError


def test_ids_equal_open_clips_on_every_vocabulary_line_and_odd_text(tiny_clip):
    source = open_clip.get_tokenizer("ViT-B-32")
    ours = Tokenizer.from_file(str(tiny_clip / "tokenizer.json"))
    clean = get_clean_fn("lower")
    lines = vocabulary() + ODD
    assert len(lines) > 106_000
    encoded = ours.encode_batch([clean(line) for line in lines], add_special_tokens=False)
    wrong = [line for line, ours in zip(lines, encoded, strict=True) if ours.ids != source.encode(line)]
    assert wrong == []


@pytest.mark.parametrize("clean", ["lower", "whitespace", "canonicalize"])
def test_the_manifest_names_the_cleaning(clean, tmp_path):
    source = SimpleTokenizer(clean=clean)
    assert cleaning(source) == clean
    write_tokenizer(source, tmp_path / "tokenizer.json")
    ours = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in ODD:
        ids = ours.encode(get_clean_fn(clean)(text), add_special_tokens=False).ids
        assert ids == source.encode(text), text


def test_special_tokens_written_out_in_a_text_get_their_ids(tiny_clip):
    ours = Tokenizer.from_file(str(tiny_clip / "tokenizer.json"))
    text = "a <end_of_text> b <start_of_text>"
    assert ours.encode(text, add_special_tokens=False).ids == open_clip.get_tokenizer("ViT-B-32").encode(text)


def test_a_tokenizer_that_drops_tokens_at_random_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="at random"):
        write_tokenizer(SimpleTokenizer(reduction_mask="simple"), tmp_path / "tokenizer.json")


def test_decoding_gives_the_text_back(tiny_clip):
    ours = Tokenizer.from_file(str(tiny_clip / "tokenizer.json"))
    assert ours.decode(ours.encode("a photo of naïve cats").ids).strip() == "a photo of naïve cats"
