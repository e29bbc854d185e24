"""BLIP-2 captioners of transformers, with OPT or T5 for a language model."""

from typing import Any

import torch
from torch import nn
from transformers import (
    Blip2ForConditionalGeneration,
    OPTForCausalLM,
    T5ForConditionalGeneration,
)

from ..errors import UnsupportedError
from .blip import image_processor
from .blip2_vision import Blip2Vision
from .family import Family, Published
from .opt_decoder import OptDecoder
from .t5_decoder import T5Decoder

# As published; Blip2Config's own image tower (EVA's ViT-g) and Q-Former are the published ones. `image_token_index` is the
# token that transformers lets stand for a query, the first behind the tokenizer's vocabulary.
_CONFIGS = {
    "blip2-2.7b": {
        "image_token_index": 50265,
        "text_config": {
            "model_type": "opt",
            "vocab_size": 50304,
            "hidden_size": 2560,
            "word_embed_proj_dim": 2560,
            "ffn_dim": 10240,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            # A line's end: captions are one line.
            "eos_token_id": 50118,
        },
    },
    "blip2-flan-t5-xl": {
        "image_token_index": 32100,
        "text_config": {
            "model_type": "t5",
            "vocab_size": 32128,
            "d_model": 2048,
            "d_ff": 5120,
            "d_kv": 64,
            "num_layers": 24,
            "num_heads": 32,
            "feed_forward_proj": "gated-gelu",
            # Unlike FLAN-T5's own, which is its approximation.
            "dense_act_fn": "gelu",
            "n_positions": 512,
            "bos_token_id": 1,
            "decoder_start_token_id": 0,
            "tie_word_embeddings": False,
        },
    },
}
_REPOSITORIES = {"blip2-2.7b": "Salesforce/blip2-opt-2.7b", "blip2-flan-t5-xl": "Salesforce/blip2-flan-t5-xl"}
# Captions of T5, whose positions are relative, have no natural end; where a configuration names none either.
_T5_POSITIONS = 512


def decoder_fields(model: nn.Module) -> dict[str, Any]:
    """The manifest's `decoder`, all but the file name."""
    config = model.config
    text, queries = config.text_config, config.num_query_tokens
    if isinstance(model.language_model, OPTForCausalLM):
        return {
            "vocabSize": text.vocab_size,
            "layers": text.num_hidden_layers,
            "heads": text.num_attention_heads,
            "headDim": text.hidden_size // text.num_attention_heads,
            "maxPositions": text.max_position_embeddings - queries,
            "eosId": text.eos_token_id,
            "promptIds": [text.bos_token_id],
            "prefixIds": [config.image_token_index] * queries,
        }
    return {
        "vocabSize": text.vocab_size,
        "layers": text.num_decoder_layers,
        "heads": text.num_heads,
        "headDim": text.d_kv,
        "maxPositions": getattr(text, "n_positions", _T5_POSITIONS),
        "eosId": text.eos_token_id,
        "promptIds": [text.decoder_start_token_id],
        # What ends a text, and all that stands behind the image where there is none.
        "encoderEndId": text.bos_token_id,
    }


def parts(model: nn.Module) -> dict[str, nn.Module]:
    """`vision.pt` and `decoder.pt` before they are scripted, with the weights of the model itself."""
    language = model.language_model
    if model.config.image_token_index is None:
        raise UnsupportedError("BLIP-2 without image_token_index in its config.json is not supported")
    if isinstance(language, OPTForCausalLM):
        decoder: nn.Module = OptDecoder(language)
    elif isinstance(language, T5ForConditionalGeneration):
        decoder = T5Decoder(language)
    else:
        raise UnsupportedError(f"BLIP-2 with a language model of type '{language.config.model_type}' is not supported yet")
    return {"vision.pt": Blip2Vision(model).eval(), "decoder.pt": decoder.eval()}


def image_embeds(model: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    return model.get_image_features(pixels)


def logits(model: nn.Module, pixels: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    config = model.config
    image = torch.full((len(ids), config.num_query_tokens), config.image_token_index, device=ids.device)
    if isinstance(model.language_model, OPTForCausalLM):
        return model(pixel_values=pixels, input_ids=torch.cat([image, ids], dim=1)).logits[:, image.shape[1] :]
    start = torch.full_like(ids[:, :1], config.text_config.bos_token_id)
    return model(pixel_values=pixels, input_ids=torch.cat([image, start], dim=1), decoder_input_ids=ids).logits


FAMILY = Family(
    name="blip2",
    model_type="blip-2",
    model=Blip2ForConditionalGeneration,
    published={name: Published(_REPOSITORIES[name], _CONFIGS[name]) for name in _CONFIGS},
    image_processor=image_processor,
    parts=parts,
    decoder_fields=decoder_fields,
    text_model=lambda model: model.language_model,
    image_embeds=image_embeds,
    logits=logits,
    width_of=("language_projection.weight", 0),
    tokenizer=None,
    unused=[
        "vision_model.embeddings.position_ids",
        "qformer.embeddings.position_ids",
        # A bias that T5's cross-attention had in older files.
        "language_model.decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
    ],
)
