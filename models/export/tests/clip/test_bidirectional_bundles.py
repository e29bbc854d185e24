"""Bundles of text towers that take whole texts, as the command line writes them, against open_clip."""

import importlib.resources

import open_clip
import pytest
import torch
import transformers
from sources import load_source
from texts import ODD, prompts

from torch_interrogator_export.clip.tokenizer import content_ids
from torch_interrogator_export.graphs.reference import whole_text
from torch_interrogator_export.manifest import read_manifest

VARIANTS = {
    "coca": {
        "custom_text": True,
        "vision_cfg": {"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 4, "output_tokens": True},
        "text_cfg": {"embed_cls": True, "output_tokens": True, "context_length": 76},
        "multimodal_cfg": {"width": 32, "layers": 1, "heads": 4},
    },
    "mobileclip": {"custom_text": True, "text_cfg": {"no_causal_mask": True}},
    "clipa": {
        "text_cfg": {
            "hf_tokenizer_name": "bert-base-uncased",
            "tokenizer_kwargs": {"strip_sep_token": True},
            "context_length": 32,
            "vocab_size": 32000,
            "no_causal_mask": True,
            "pool_type": "last",
        },
    },
}


@pytest.fixture
def _bert_without_the_hub(monkeypatch):
    vocabulary = importlib.resources.files("torch_interrogator_export") / "data" / "bert-base-uncased-vocab.txt"
    tokenizer = transformers.BertTokenizerFast(vocab_file=str(vocabulary))
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *_, **__: tokenizer)


@pytest.mark.usefixtures("_bert_without_the_hub")
@pytest.mark.parametrize("variant", VARIANTS)
def test_features_of_whole_texts_equal_open_clips(variant, write_config, tmp_path, run):
    name = f"tiny-whole-{variant}"
    file = write_config(name, **VARIANTS[variant])
    out = tmp_path / "b"
    code, errors = run(
        "clip", f"{name}/", "--config", file, "--untrained", "--seed", 7, "--vocabulary", "none", "--out", out
    )
    assert code == 0, errors
    model, tokenizer, fields = load_source(name, 7), open_clip.get_tokenizer(name), read_manifest(out)["text"]
    tower = torch.jit.load(str(out / "text.pt"))
    texts = prompts()[::25] + ODD
    expected = model.encode_text(tokenizer(texts), normalize=True)
    rows = [whole_text(content_ids(tokenizer, text), fields) for text in texts]
    assert {len(row) for row in rows} >= {2, fields["contextLength"]}
    actual = torch.cat([tower(torch.tensor([row])) for row in rows])
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
    assert fields["tower"] == "bidirectional"
