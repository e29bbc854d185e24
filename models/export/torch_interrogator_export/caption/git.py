"""GIT captioners of transformers."""

from typing import Any

import torch
from torch import nn
from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM

from ..errors import UnsupportedError
from .family import Family, Published
from .git_decoder import GitDecoder
from .git_vision import GitVision
from .tokenizer import bert_uncased

# As published; the decoder is GitConfig's own: six layers of BERT's base size.
_CONFIGS = {
    "git-large-coco": {
        "vision_config": {
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "patch_size": 14,
        },
    },
}


def image_processor(config: GitConfig) -> CLIPImageProcessor:
    """CLIP's at the model's size."""
    size = config.vision_config.image_size
    return CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def decoder_fields(model: nn.Module) -> dict[str, Any]:
    """The manifest's `decoder`, all but the file name."""
    config = model.config
    return {
        "vocabSize": config.vocab_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "headDim": config.hidden_size // config.num_attention_heads,
        "maxPositions": config.max_position_embeddings,
        "eosId": config.eos_token_id,
        "promptIds": [config.bos_token_id],
    }


def parts(model: nn.Module) -> dict[str, nn.Module]:
    """`vision.pt` and `decoder.pt` before they are scripted, with the weights of the model itself."""
    config = model.config
    if config.position_embedding_type != "absolute":
        raise UnsupportedError(f"GIT decoder with '{config.position_embedding_type}' positions is not supported yet")
    if config.num_image_with_embedding is not None:
        raise UnsupportedError("GIT for videos is not supported")
    return {"vision.pt": GitVision(model).eval(), "decoder.pt": GitDecoder(model).eval()}


def image_embeds(model: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    return model.git.visual_projection(model.git.image_encoder(pixels).last_hidden_state)


def logits(model: nn.Module, pixels: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    return model(pixel_values=pixels, input_ids=ids, use_cache=False).logits[:, -ids.shape[1] :]


FAMILY = Family(
    name="git",
    model_type="git",
    model=GitForCausalLM,
    published={"git-large-coco": Published("microsoft/git-large-coco", _CONFIGS["git-large-coco"])},
    image_processor=image_processor,
    parts=parts,
    decoder_fields=decoder_fields,
    text_model=lambda model: model,
    image_embeds=image_embeds,
    logits=logits,
    width_of=("git.visual_projection.visual_projection.0.weight", 0),
    tokenizer=bert_uncased,
    unused=["git.embeddings.position_ids", "git.image_encoder.vision_model.embeddings.position_ids"],
)
