"""Which of open_clip's own models can be exported."""

import open_clip
import pytest
import torch

from torch_interrogator_export.clip.model import refuse_config, refuse_model
from torch_interrogator_export.errors import UnsupportedError

BPE = open_clip.get_tokenizer("ViT-B-32")


def is_native(config: dict) -> bool:
    """An image tower of open_clip's own and a causal text tower with the CLIP tokenizer."""
    text = config["text_cfg"]
    return (
        "multimodal_cfg" not in config
        and "timm_model_name" not in config["vision_cfg"]
        and "hf_model_name" not in text
        and "hf_tokenizer_name" not in text
        and not text.get("no_causal_mask")
    )


NATIVE = [name for name in open_clip.list_models() if is_native(open_clip.get_model_config(name))]
OTHER = [name for name in open_clip.list_models() if name not in NATIVE]


def test_there_are_as_many_native_models_as_open_clip_3_3_has():
    assert (len(NATIVE), len(OTHER)) == (42, 102)


@pytest.mark.parametrize("name", NATIVE)
def test_every_native_model_is_supported(name):
    refuse_config(name, open_clip.get_model_config(name))
    with torch.inference_mode(False), torch.device("meta"):
        model = open_clip.create_model(name, device="meta")
    refuse_model(name, model, BPE)


@pytest.mark.parametrize("name", OTHER)
def test_every_other_model_is_refused_before_any_download(name):
    with pytest.raises(UnsupportedError, match="is not supported yet"):
        refuse_config(name, open_clip.get_model_config(name))
