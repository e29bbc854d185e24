"""Which of open_clip's own models can be exported: all of them."""

import open_clip
import pytest

from torch_interrogator_export.clip.model import create_model, refuse_config, refuse_model
from torch_interrogator_export.clip.text import BIDIRECTIONAL, CAUSAL, text_fields
from torch_interrogator_export.clip.text.special_tokens import special_tokens
from torch_interrogator_export.clip.weightless import without_weights
from torch_interrogator_export.errors import UnsupportedError

# Other tests give open_clip architectures of their own.
NAMES = [name for name in open_clip.list_models() if not name.startswith(("graph-", "tiny-"))]


def test_open_clip_3_3_has_144_models():
    assert len(NAMES) == 144


@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_supported(name):
    config = open_clip.get_model_config(name)
    refuse_config(name, config)
    with without_weights():
        model = create_model(name)
    refuse_model(name, model, config)
    assert all(parameter.is_meta for parameter in model.parameters())
    text = config["text_cfg"]
    own_shape = text.get("hf_model_name") or text.get("no_causal_mask") or text.get("embed_cls")
    whole = bool(own_shape) or special_tokens(text).start is None
    assert text_fields(model, text)["tower"] == (BIDIRECTIONAL if whole else CAUSAL)


def test_a_tokenizer_whose_special_tokens_are_unknown_is_refused_before_any_download():
    config = {"vision_cfg": {}, "text_cfg": {"hf_tokenizer_name": "somebody/words"}}
    with pytest.raises(UnsupportedError, match="tokenizer 'somebody/words' is not supported yet"):
        refuse_config("somebodys", config)


@pytest.mark.parametrize("pool", ["parallel", "cascade"])
def test_attention_pooling_that_open_clip_marks_untested_is_refused(pool):
    config = {"vision_cfg": {"attentional_pool": pool}, "text_cfg": {}}
    with pytest.raises(UnsupportedError, match=f"'{pool}' attention pooling is not supported yet"):
        refuse_config("somebodys", config)
