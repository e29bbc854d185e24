"""open_clip's text towers around an encoder of transformers, as a bidirectional `text.pt`."""

import torch
import torch.nn.functional as F
from open_clip.hf_configs import arch_dict
from open_clip.hf_model import ClsLastHiddenStatePooler, ClsPooler, HFTextEncoder, MeanPooler
from torch import nn

from .mt5 import Mt5
from .nllb import Nllb
from .roberta import Roberta

_ROBERTA = ("roberta", "xlm-roberta")
_ENCODERS = {
    **dict.fromkeys(_ROBERTA, lambda source, context: Roberta(source)),
    "mt5": Mt5,
    "m2m_100": lambda source, context: Nllb(source),
}


class EncoderText(nn.Module):
    """ids int64 [B, T], T up to the context -> unit rows float32 [B, embedDim]."""

    mean: torch.jit.Final[bool]
    pad: torch.jit.Final[int]

    def __init__(self, tower: HFTextEncoder, context: int):
        super().__init__()
        self.mean, self.pad = isinstance(tower.pooler, MeanPooler), int(tower.config.pad_token_id)
        self.encoder = _ENCODERS[tower.config.model_type](tower.transformer, context)
        self.projection = tower.proj

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.encoder(ids)
        if self.mean:
            present = (ids != self.pad).unsqueeze(2)
            x = ((x.float() * present).sum(dim=1) / present.sum(dim=1)).to(x.dtype)
        else:
            x = x[:, 0]
        return F.normalize(self.projection(x).float(), dim=-1)


def refusal(tower: HFTextEncoder) -> str | None:
    """Why a tower cannot be exported, or None where it can."""
    kind, pooler = tower.config.model_type, type(tower.pooler).__name__
    if kind not in _ENCODERS:
        return f"text tower from transformers ({kind})"
    has_own_pooler = isinstance(tower.pooler, ClsPooler) and kind in _ROBERTA
    if has_own_pooler or not isinstance(tower.pooler, (MeanPooler, ClsPooler, ClsLastHiddenStatePooler)):
        return f"text tower from transformers that pools with {pooler}"
    return None


def sizes(tower: HFTextEncoder) -> dict[str, int]:
    """The manifest's sizes of a tower."""
    names = arch_dict[tower.config.model_type]["config_names"]
    return {
        "vocabSize": int(tower.transformer.get_input_embeddings().weight.shape[0]),
        **{name: int(getattr(tower.config, names[name])) for name in ("layers", "heads", "width")},
    }
