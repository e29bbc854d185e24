"""BLIP captioners of transformers."""

from typing import Any

import torch
from torch import nn
from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

from ..errors import UnsupportedError
from .blip_decoder import BlipDecoder
from .blip_vision import BlipVision
from .family import Family, Published
from .tokenizer import bert_uncased

# As published. transformers' own defaults differ: 8 text heads, and position embeddings of next to nothing.
_TEXT = {"num_attention_heads": 12, "initializer_range": 0.02}
_VISION = {"initializer_range": 0.02}
_CONFIGS = {
    "blip-base": {"text_config": _TEXT, "vision_config": _VISION},
    "blip-large": {
        "text_config": _TEXT,
        "vision_config": {
            **_VISION,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
    },
}


def image_processor(config: BlipConfig) -> BlipImageProcessor:
    """BLIP's at the model's size."""
    size = config.vision_config.image_size
    return BlipImageProcessor(size={"height": size, "width": size})


def decoder_fields(model: nn.Module) -> dict[str, Any]:
    """The manifest's `decoder`, all but the file name. BLIP captions end with the separator token."""
    text = model.config.text_config
    return {
        "vocabSize": text.vocab_size,
        "layers": text.num_hidden_layers,
        "heads": text.num_attention_heads,
        "headDim": text.hidden_size // text.num_attention_heads,
        "maxPositions": text.max_position_embeddings,
        "eosId": text.sep_token_id,
        "promptIds": [text.bos_token_id],
    }


def parts(model: nn.Module) -> dict[str, nn.Module]:
    """`vision.pt` and `decoder.pt` before they are scripted, with the weights of the model itself."""
    position_type = getattr(model.config.text_config, "position_embedding_type", "absolute")
    if position_type != "absolute":
        raise UnsupportedError(f"BLIP decoder with '{position_type}' positions is not supported yet")
    return {"vision.pt": BlipVision(model.vision_model).eval(), "decoder.pt": BlipDecoder(model.text_decoder).eval()}


def image_embeds(model: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    return model.vision_model(pixel_values=pixels).last_hidden_state


def logits(model: nn.Module, pixels: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    return model.text_decoder(ids, encoder_hidden_states=image_embeds(model, pixels)).logits


FAMILY = Family(
    name="blip",
    model_type="blip",
    model=BlipForConditionalGeneration,
    published={
        name: Published(f"Salesforce/blip-image-captioning-{name.removeprefix('blip-')}", _CONFIGS[name])
        for name in _CONFIGS
    },
    image_processor=image_processor,
    parts=parts,
    decoder_fields=decoder_fields,
    text_model=lambda model: model.text_decoder,
    image_embeds=image_embeds,
    logits=logits,
    width_of=("text_decoder.bert.encoder.layer.0.crossattention.self.key.weight", 1),
    tokenizer=bert_uncased,
    unused=["text_decoder.bert.embeddings.position_ids", "vision_model.embeddings.position_ids", "logit_scale"],
)
