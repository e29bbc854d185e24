"""Text towers that take whole texts, at a small size, against open_clip's own on padded ones."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from towers import TEXT, random_ids, text_transformer, tiny_encoder

from torch_interrogator_export.clip.text import published
from torch_interrogator_export.clip.text.bidirectional import BidirectionalText
from torch_interrogator_export.clip.text.causal_whole import CausalWholeText
from torch_interrogator_export.clip.text.class_token import ClassTokenText
from torch_interrogator_export.clip.text.encoder import EncoderText

CONTEXT = TEXT["context_length"]
LENGTHS = (1, 2, 5, CONTEXT - 1, CONTEXT)


@pytest.fixture(autouse=True)
def _plain_tensors(_no_gradients):
    with torch.inference_mode(False), torch.no_grad():
        yield


def require_equal(tower: nn.Module, source: nn.Module, ids: torch.Tensor, pad: int) -> None:
    padded = F.pad(ids, [0, CONTEXT - ids.shape[1]], value=pad)
    features = source(padded)
    expected = F.normalize(features[0] if isinstance(features, tuple) else features, dim=-1)
    torch.testing.assert_close(tower(ids), expected, rtol=0, atol=1e-5)


def texts(length: int, batch: int, end: int) -> torch.Tensor:
    ids = random_ids(length, batch, length)
    ids[:, -1] = end
    return ids


BIDIRECTIONAL = {
    "siglip": ({"pool_type": "last", "proj_bias": True, "norm_kwargs": {"eps": 1e-6}}, 1, 1),
    "siglip 2": ({"pool_type": "last", "proj_bias": True, "act_kwargs": {"approximate": "tanh"}}, 0, 1),
    "siglip without projection": ({"pool_type": "last", "proj_type": "none"}, 1, 1),
    "clipa": ({"pool_type": "last"}, 0, 0),
    "mobileclip": ({"pool_type": "argmax"}, 0, 299),
    "first token": ({"pool_type": "first"}, 0, 299),
    "end token": ({"pool_type": "eos", "eos_id": 7}, 3, 7),
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", BIDIRECTIONAL)
def test_a_tower_without_a_causal_mask_pads_by_itself(kind, batch):
    config, pad, end = BIDIRECTIONAL[kind]
    source = text_transformer(config | {"no_causal_mask": True})
    tower = torch.jit.script(BidirectionalText(source, pad, source.pool_type, source.eos_id).eval())
    for length in LENGTHS:
        require_equal(tower, source, texts(length, batch, end), pad)


def test_the_end_token_is_read_where_it_comes_first():
    source = text_transformer({"no_causal_mask": True})
    tower = torch.jit.script(BidirectionalText(source, 0, "argmax", 299).eval())
    ids = texts(8, 2, 299)
    ids[0, 3] = 299
    require_equal(tower, source, ids, 0)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_causal_tower_without_a_start_token_reads_the_first_end_token(batch):
    source = text_transformer({"pool_type": "eos", "eos_id": 7})
    tower = torch.jit.script(CausalWholeText(source, 7).eval())
    for length in LENGTHS:
        ids = texts(length, batch, 7)
        if length > 3:
            ids[0, 2] = 7
        require_equal(tower, source, ids, 0)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("quick_gelu", [False, True])
def test_a_class_token_sees_what_cocas_mask_shows(batch, quick_gelu):
    source = text_transformer({"embed_cls": True, "output_tokens": True}, quick_gelu)
    tower = torch.jit.script(ClassTokenText(source).eval())
    for length in LENGTHS:
        require_equal(tower, source, texts(length, batch, 299), 0)


def test_an_id_that_is_the_paddings_masks_the_next_key():
    source = text_transformer({"embed_cls": True, "output_tokens": True})
    tower = torch.jit.script(ClassTokenText(source).eval())
    for length in (3, 7, CONTEXT - 1, CONTEXT):
        plain = texts(length, 3, 299)
        ids = plain.clone()
        ids[0, 1] = 0
        ids[1, 1 : length - 1] = 0
        require_equal(tower, source, ids, 0)
    # Or the test would say nothing.
    assert (tower(ids)[2] - tower(plain)[2]).abs().max() < 1e-6
    assert (tower(ids)[0] - tower(plain)[0]).abs().max() > 1e-3


def test_another_padding_and_the_mended_mask():
    source = text_transformer({"embed_cls": True, "output_tokens": True, "pad_id": 3})
    source.correct_cls_mask = True
    tower = torch.jit.script(ClassTokenText(source).eval())
    for length in LENGTHS:
        ids = texts(length, 2, 299)
        if length > 3:
            ids[0, 2] = 3
        require_equal(tower, source, ids, 3)


ENCODERS = {
    "roberta": ("tiny/roberta", "mean_pooler", "mlp", 1, 2),
    "roberta of coca": ("tiny/roberta", "mean_pooler", "linear", 1, 2),
    "xlm-roberta": ("tiny/xlm-roberta", "mean_pooler", "mlp", 1, 2),
    "roberta read at its start": ("tiny/roberta", "cls_last_hidden_state_pooler", "linear", 1, 2),
    "mt5": ("tiny/mt5", "mean_pooler", "mlp", 0, 1),
    "nllb": ("tiny/m2m", "cls_pooler", "linear", 1, 2),
    "nllb without projection": ("tiny/m2m", "cls_pooler", None, 1, 2),
}


@pytest.fixture
def encoder(monkeypatch):
    """By its kind, open_clip's tower around an encoder of transformers, ours, and its ids of padding and end."""
    monkeypatch.setattr(published, "published_config", tiny_encoder)

    def make(kind):
        name, pooler, projection, pad, end = ENCODERS[kind]
        config = {"hf_model_name": name, "hf_pooler_type": pooler, "hf_proj_type": projection, "hf_model_pretrained": False}
        with published.published_configs():
            source = text_transformer(config)
        return source, torch.jit.script(EncoderText(source, CONTEXT).eval()), pad, end

    return make


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_of_transformers_needs_no_padding(kind, batch, encoder):
    source, tower, pad, end = encoder(kind)
    for length in LENGTHS:
        require_equal(tower, source, texts(length, batch, end), pad)


@pytest.mark.parametrize("kind", ENCODERS)
def test_padding_written_out_in_a_text_is_masked_as_transformers_does(kind, encoder):
    source, tower, pad, end = encoder(kind)
    ids = texts(9, 3, end)
    ids[0, 2] = pad
    ids[1, 4:7] = pad
    require_equal(tower, source, ids, pad)


def test_positions_of_nllb_go_as_far_as_the_context(encoder):
    source, tower, pad, _ = encoder("nllb")
    require_equal(tower, source, torch.full((1, CONTEXT), 50), pad)
