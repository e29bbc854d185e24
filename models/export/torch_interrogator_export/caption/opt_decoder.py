"""OPT as `decoder.pt`: what the image gives is a prefix of the text, whose keys and values `cross` computes once."""

import torch
import torch.nn.functional as F
from torch import nn

from ..activations import activation
from ..errors import UnsupportedError
from .attention import attend_with_prefix, causal_mask, joined, split
from .decoder import CaptionDecoder

# transformers' OPTLearnedPositionalEmbedding: positions count from 2.
_FIRST_POSITION = 2


class OptLayer(nn.Module):
    """One pre-norm layer."""

    heads: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        attention = source.self_attn
        self.heads = attention.num_heads
        self.query, self.key, self.value = attention.q_proj, attention.k_proj, attention.v_proj
        self.out = attention.out_proj
        self.norm_1, self.norm_2 = source.self_attn_layer_norm, source.final_layer_norm
        self.fc_1, self.act, self.fc_2 = source.fc1, activation(source.self_attn.config.activation_function), source.fc2

    def keys_and_values(self, normed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each [B, heads, T, headDim]."""
        return split(self.key(normed), self.heads), split(self.value(normed), self.heads)

    def finish(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What follows the attention."""
        x = x + self.out(joined(attended))
        return x + self.fc_2(self.act(self.fc_1(self.norm_2(x))))

    def prefix(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The prefix after this layer, and its keys and values in it."""
        normed = self.norm_1(x)
        keys, values = self.keys_and_values(normed)
        attended = F.scaled_dot_product_attention(split(self.query(normed), self.heads), keys, values, is_causal=True)
        return self.finish(x, attended), keys, values

    def forward(
        self,
        x: torch.Tensor,
        position: int,
        mask: torch.Tensor | None,
        keys: torch.Tensor,
        values: torch.Tensor,
        prefix_keys: torch.Tensor,
        prefix_values: torch.Tensor,
    ) -> torch.Tensor:
        normed = self.norm_1(x)
        new_keys, new_values = self.keys_and_values(normed)
        count = x.shape[1]
        keys.narrow(2, position, count).copy_(new_keys)
        values.narrow(2, position, count).copy_(new_values)
        seen = position + count
        attended = attend_with_prefix(
            split(self.query(normed), self.heads),
            prefix_keys,
            prefix_values,
            keys.narrow(2, 0, seen),
            values.narrow(2, 0, seen),
            mask,
        )
        return self.finish(x, attended)


class OptDecoder(CaptionDecoder):
    first_position: torch.jit.Final[int]

    def __init__(self, source: nn.Module):
        super().__init__()
        decoder, config = source.model.decoder, source.config
        if not config.do_layer_norm_before or decoder.final_layer_norm is None or decoder.project_in is not None:
            raise UnsupportedError(
                "OPT decoder that normalises after its layers, or projects its words, is not supported yet"
            )
        if not config.layer_norm_elementwise_affine:
            raise UnsupportedError("OPT decoder with norms that have no weights is not supported yet")
        self.first_position = _FIRST_POSITION
        self.word_embedding = decoder.embed_tokens.weight
        self.position_embedding = decoder.embed_positions.weight
        self.layers = nn.ModuleList(OptLayer(layer) for layer in decoder.layers)
        self.norm = decoder.final_layer_norm
        # The same parameter as word_embedding in a tied model: it is then stored once.
        self.head_weight = source.lm_head.weight

    @torch.jit.export
    def cross(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = image + self.position_embedding[self.first_position : self.first_position + image.shape[1]]
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        for layer in self.layers:
            x, k, v = layer.prefix(x)
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
        """What the layers make of ids [B, T]: [B, T, width]."""
        count = ids.shape[1]
        before = cross_keys.shape[3] + position
        first = self.first_position + before
        # Not F.embedding: that is a function of its own in TorchScript, which hides who reads the weight.
        x = torch.embedding(self.word_embedding, ids) + self.position_embedding[first : first + count]
        mask = causal_mask(count, before, ids.device)
        for index, layer in enumerate(self.layers):
            x = layer(x, position, mask, keys[index], values[index], cross_keys[index], cross_values[index])
        return x

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of [..., width]: [..., vocabSize]."""
        return F.linear(self.norm(x), self.head_weight)
