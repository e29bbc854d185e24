"""The weights of an open_clip model as a folder that transformers loads: for servers that take no other."""

import json
import re
from pathlib import Path

import torch
from calls import Session
from open_clip.tokenizer import SimpleTokenizer
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizerFast

#: transformers' names of the parts of one layer.
LAYER = {
    "ln_1": "layer_norm1",
    "attn.out_proj": "self_attn.out_proj",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
#: And of what is there once. True: a matrix that open_clip keeps the other way round.
OUTER = {
    "logit_scale": ("logit_scale", False),
    "visual.class_embedding": ("vision_model.embeddings.class_embedding", False),
    "visual.positional_embedding": ("vision_model.embeddings.position_embedding.weight", False),
    "visual.conv1.weight": ("vision_model.embeddings.patch_embedding.weight", False),
    "visual.ln_pre.weight": ("vision_model.pre_layrnorm.weight", False),
    "visual.ln_pre.bias": ("vision_model.pre_layrnorm.bias", False),
    "visual.ln_post.weight": ("vision_model.post_layernorm.weight", False),
    "visual.ln_post.bias": ("vision_model.post_layernorm.bias", False),
    "visual.proj": ("visual_projection.weight", True),
    "token_embedding.weight": ("text_model.embeddings.token_embedding.weight", False),
    "positional_embedding": ("text_model.embeddings.position_embedding.weight", False),
    "ln_final.weight": ("text_model.final_layer_norm.weight", False),
    "ln_final.bias": ("text_model.final_layer_norm.bias", False),
    "text_projection": ("text_projection.weight", True),
}


def make_transformers_clip(_session: Session, weights: str, folder: str) -> str:
    """Writes model, picture processor and tokenizer of ViT-B-32-quickgelu, whose sizes are CLIPConfig's own."""
    model = CLIPModel(CLIPConfig()).eval()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    model.load_state_dict(renamed(state))
    target = Path(folder)
    model.save_pretrained(target)
    CLIPProcessor(CLIPImageProcessor(), clip_tokenizer(target)).save_pretrained(target)
    return folder


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """open_clip's tensors under transformers' names; KeyError for one that neither table has."""
    tensors = {}
    for name, tensor in state.items():
        layer = re.fullmatch(r"(visual\.)?transformer\.resblocks\.(\d+)\.(.+)", name)
        if layer:
            tower = "vision_model" if layer[1] else "text_model"
            tensors |= of_layer(f"{tower}.encoder.layers.{layer[2]}", layer[3], tensor)
        elif name != "attn_mask":
            target, is_turned = OUTER[name]
            tensors[target] = tensor.T.contiguous() if is_turned else tensor
    return tensors


def of_layer(prefix: str, name: str, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
    part, _, kind = name.rpartition(".")
    if name.startswith("attn.in_proj_"):
        kind = name.removeprefix("attn.in_proj_")
        return {
            f"{prefix}.self_attn.{each}_proj.{kind}": third.clone()
            for each, third in zip("qkv", tensor.chunk(3), strict=True)
        }
    return {f"{prefix}.{LAYER[part]}.{kind}": tensor}


def clip_tokenizer(folder: Path) -> CLIPTokenizerFast:
    """CLIP's tokenizer, of open_clip's own copy of its vocabulary."""
    source = SimpleTokenizer()
    marks = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({marks.get(token, token): number for token, number in source.encoder.items()}))
    merges.write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in source.bpe_ranks) + "\n")
    return CLIPTokenizerFast(str(vocabulary), str(merges), model_max_length=77)
