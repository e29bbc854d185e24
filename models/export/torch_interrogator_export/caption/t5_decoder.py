"""T5 as `decoder.pt`: `cross` runs its encoder over the image and a text, `step` its decoder."""

import torch
import torch.nn.functional as F
from torch import nn

from ..errors import UnsupportedError
from .attention import causal_mask
from .decoder import CaptionDecoder
from .t5_layers import DecoderLayer, EncoderLayer, RelativePositions, RmsNorm


class T5Encoder(nn.Module):
    """float [B, T, width] to the same, in the weights' type."""

    def __init__(self, source: nn.Module):
        super().__init__()
        self.positions = RelativePositions(source.block[0].layer[0].SelfAttention)
        self.layers = nn.ModuleList(EncoderLayer(block, source.config) for block in source.block)
        self.norm = RmsNorm(source.final_layer_norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bias = self.positions(0, x.shape[1], x.shape[1])
        x = x.float()
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x)


class T5Decoder(CaptionDecoder):
    """Texts that captions go on from are the encoder's."""

    start_id: torch.jit.Final[int]
    head_scale: torch.jit.Final[float]

    def __init__(self, source: nn.Module):
        super().__init__()
        config = source.config
        if not config.is_gated_act:
            raise UnsupportedError("T5 without gated activations is not supported yet")
        # What transformers' Blip2ForConditionalGeneration.generate puts behind the image where there is no text.
        self.start_id = config.bos_token_id
        self.word_embedding = source.shared.weight
        self.encoder = T5Encoder(source.encoder)
        self.positions = RelativePositions(source.decoder.block[0].layer[0].SelfAttention)
        self.layers = nn.ModuleList(DecoderLayer(block, config) for block in source.decoder.block)
        self.norm = RmsNorm(source.decoder.final_layer_norm)
        self.head_weight = source.lm_head.weight
        self.head_scale = config.d_model**-0.5 if config.tie_word_embeddings else 1.0

    @torch.jit.export
    def cross(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.cross_text(image, torch.full((image.shape[0], 1), self.start_id, dtype=torch.long, device=image.device))

    @torch.jit.export
    def cross_text(self, image: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `cross`, with a text of ids [B, T] behind the image, its end token included."""
        encoded = self.encoder(torch.cat([image, torch.embedding(self.word_embedding, ids)], dim=1))
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        for layer in self.layers:
            k, v = layer.crossing.keys_and_values(encoded)
            keys.append(k)
            values.append(v)
        return torch.stack(keys), torch.stack(values)

    def hidden(
        self,
        ids: torch.Tensor,
        position: int,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        """What the layers make of ids [B, T]: float32 [B, T, width]."""
        count = ids.shape[1]
        # Not F.embedding: that is a function of its own in TorchScript, which hides who reads the weight.
        x = torch.embedding(self.word_embedding, ids).float()
        bias = self.positions(position, count, position + count)
        allowed = causal_mask(count, position, ids.device)
        if allowed is not None:
            bias = bias.masked_fill(~allowed, float("-inf"))
        for index, layer in enumerate(self.layers):
            x = layer(x, position, bias, keys[index], values[index], cross_keys[index], cross_values[index])
        return x

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of [..., width]: [..., vocabSize]."""
        x = self.norm(x)
        if self.head_scale != 1.0:
            x = x * self.head_scale
        return F.linear(x, self.head_weight)
