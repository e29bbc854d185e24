"""How the captioner's image tower starts: every attention head looks at one neighbour of a patch, as a convolution does.

A transformer that starts from noise has to find out from examples that patches next to each other belong together. That
heads can do what convolutions do, given such weights: Cordonnier et al., ICLR 2020; that it pays to start from them where
examples are few: Zheng and Lucey, "Structured Initialization for Attention in Vision Transformers", 2024.
"""

import math

import torch
from transformers.models.blip.modeling_blip import BlipVisionModel

_NEIGHBOURS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
# Four frequencies an axis: their cosines sum to nothing at every distance from one to seven patches.
_FREQUENCIES = tuple(math.pi * (k + 0.5) / 4 for k in range(4))
_PLACE_WIDTH = 4 * len(_FREQUENCIES)
_PLACE_STRENGTH = 1.5


@torch.no_grad()
def start_local(vision: BlipVisionModel) -> None:
    """Sets the untrained tower's weights; heads of at least 16 dimensions, at most 8 patches a side."""
    config = vision.config
    width, heads = config.hidden_size, config.num_attention_heads
    side = torch.arange(config.image_size // config.patch_size).float()
    down, right = (axis.flatten() for axis in torch.meshgrid(side, side, indexing="ij"))
    waves = [
        wave(frequency * axis) for axis in (right, down) for frequency in _FREQUENCIES for wave in (torch.cos, torch.sin)
    ]
    place = vision.embeddings.position_embedding
    place.zero_()
    place[0, 1:, :_PLACE_WIDTH] = _PLACE_STRENGTH * torch.stack(waves, 1)
    _start_patches(vision.embeddings.patch_embedding, width - _PLACE_WIDTH)
    for layer in vision.encoder.layers:
        attention, mlp = layer.self_attn, layer.mlp
        query, key, value = attention.qkv.weight.view(3, heads, width // heads, width)
        for head in range(heads):
            _look_at(query[head].normal_(std=0.02), key[head].normal_(std=0.02), *_NEIGHBOURS[head % len(_NEIGHBOURS)])
        value.normal_(std=1 / math.sqrt(width))
        attention.projection.weight.normal_(std=0.6 / math.sqrt(width))[:_PLACE_WIDTH] = 0
        mlp.fc1.weight.normal_(std=1.2 / math.sqrt(width))
        mlp.fc2.weight.normal_(std=0.6 / math.sqrt(mlp.fc2.in_features))[:_PLACE_WIDTH] = 0


def _look_at(query: torch.Tensor, key: torch.Tensor, right: int, down: int) -> None:
    """A head's weights [D, width]: the query is the place turned by the neighbour's distance, and so meets its key there."""
    places = torch.arange(_PLACE_WIDTH)
    key[places, places] += 1
    turns = [frequency * distance for distance in (right, down) for frequency in _FREQUENCIES]
    for pair, turn in enumerate(turns):
        cos, sin, i = math.cos(turn), math.sin(turn), 2 * pair
        query[i : i + 2, i : i + 2] += torch.tensor([[cos, -sin], [sin, cos]])


def _start_patches(embedding: torch.nn.Conv2d, room: int) -> None:
    """Patches as their low frequencies in brightness and two colour differences, mixed without loss, beside the places."""
    side = embedding.kernel_size[0]
    n = torch.arange(side)
    waves = torch.cos(math.pi * (2 * n[None] + 1) * n[:, None] / (2 * side)) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    colours = torch.nn.functional.normalize(torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]]), dim=1)
    order = sorted((i * i + j * j, i, j) for i in range(side) for j in range(side))
    basis = [
        colour[:, None, None] * torch.outer(waves[i], waves[j]) * ((2 if far else 1) / side)
        for colour, share in zip(colours, (room // 2, room // 4, room - room // 2 - room // 4), strict=True)
        for far, i, j in order[:share]
    ]
    flat = torch.stack(basis).flatten(1)
    mixing = torch.linalg.qr(torch.randn(len(flat), len(flat)))[0]
    embedding.weight.zero_()
    embedding.weight[_PLACE_WIDTH : _PLACE_WIDTH + len(flat)] = (mixing @ flat).view(-1, *embedding.weight.shape[1:])
    embedding.bias.zero_()
