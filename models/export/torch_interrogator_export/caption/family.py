"""What the exporter knows of a kind of captioner: how it is made, what its manifest says, and how transformers runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from torch import nn


@dataclass(frozen=True)
class Published:
    """A captioner that clip-interrogator names: where it is on the hub, and the configuration that it has there."""

    repository: str
    # Beside what transformers' class of it defaults to.
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """Functions take the transformers model itself, in eval mode."""

    # The manifest's `family`.
    name: str
    # `model_type` of config.json.
    model_type: str
    model: type[transformers.PreTrainedModel]
    published: Mapping[str, Published]
    # Image processor of a configuration that comes without one, as the published ones are.
    image_processor: Callable[[transformers.PretrainedConfig], transformers.BaseImageProcessor]
    # By file name, the modules to script. They share the model's tensors. UnsupportedError for what they cannot be.
    parts: Callable[[nn.Module], dict[str, nn.Module]]
    # The manifest's `decoder`, all but the file name.
    decoder_fields: Callable[[nn.Module], dict[str, Any]]
    # The model whose generate makes the text, and whose settings count.
    text_model: Callable[[nn.Module], nn.Module]
    # Pixels [B, 3, H, W] -> what vision.pt gives.
    image_embeds: Callable[[nn.Module, torch.Tensor], torch.Tensor]
    # Pixels and ids [B, T], prompt included -> logits [B, T, vocabSize].
    logits: Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
    # The tensor of the checkpoint whose dimension of this index is the width of what vision.pt gives.
    width_of: tuple[str, int]
    # The tokenizer of weights that come without one, if there is one.
    tokenizer: Callable[[], Tokenizer] | None
    # What files of other versions of transformers hold as well, and no module reads.
    unused: list[str]
