"""Which family a captioner is of, and its model."""

from pathlib import Path

import torch
import transformers
from torch import nn
from transformers import GenerationConfig

from ..bundle import step
from ..checkpoint import read_config
from ..errors import ExportError, UnsupportedError, UsageError
from ..source import Weights
from . import blip, blip2, git
from .family import Family

FAMILIES = [blip.FAMILY, blip2.FAMILY, git.FAMILY]
# By name, the repositories on the hub of the captioners that clip-interrogator names.
HUB = {name: each.repository for family in FAMILIES for name, each in family.published.items()}

# Settings of transformers' generate that let another token win than the likeliest, also without beams.
_CHOICES = (
    "repetition_penalty",
    "no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "encoder_no_repeat_ngram_size",
    "min_length",
    "min_new_tokens",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "exponential_decay_length_penalty",
    "sequence_bias",
)


def family_of_name(name: str) -> Family | None:
    """The family of a name that clip-interrogator has."""
    return next((family for family in FAMILIES if name in family.published), None)


def builtin_config(name: str) -> transformers.PretrainedConfig:
    """The configuration of a captioner that clip-interrogator names; UsageError for another name."""
    family = _named_family(name)
    return family.model.config_class(**family.published[name].settings)


def _named_family(name: str) -> Family:
    family = family_of_name(name)
    if family is None:
        raise UsageError(f"no built-in caption model '{name}'; known are {', '.join(HUB)}, others go with --checkpoint")
    return family


def family_of(name: str, weights: Weights) -> Family:
    """The family that a checkpoint's config.json names, else that of the name."""
    if weights.checkpoint is not None:
        kind = read_config(Path(weights.checkpoint) / "config.json").get("model_type")
        found = next((family for family in FAMILIES if family.model_type == kind), None)
        if found is None:
            known = ", ".join(f"'{family.model_type}'" for family in FAMILIES)
            raise UnsupportedError(f"caption model of type '{kind}' is not supported yet; known are {known}")
        return found
    found = family_of_name(name)
    if found is None and weights.seed is None:
        raise UnsupportedError(f"caption model '{name}' is not supported yet; known are {', '.join(HUB)}")
    return found or _named_family(name)


def origin_of(name: str, weights: Weights) -> str | None:
    """The folder or hub repository that the model comes from; None for seeded weights."""
    return weights.checkpoint or (HUB[name] if weights.seed is None else None)


def load_model(family: Family, name: str, weights: Weights, device: str) -> nn.Module:
    """The model in float32 and eval mode."""
    if weights.seed is not None:
        config = builtin_config(name)
        step(f"making {name} from seed {weights.seed}")
        torch.manual_seed(weights.seed)
        return family.model(config).eval().to(device)
    origin = origin_of(name, weights)
    step(f"loading {name} from {origin}" if weights.checkpoint else f"fetching {origin}")
    try:
        model, report = family.model.from_pretrained(origin, torch_dtype=torch.float32, output_loading_info=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        hint = "" if weights.checkpoint else "; check the network, or give --checkpoint FOLDER or --untrained"
        raise ExportError(f"could not load {origin} ({reason}){hint}") from error
    # transformers makes up what is missing, and only warns.
    missing = sorted(report["missing_keys"])
    if missing:
        raise ExportError(
            f"{origin} lacks {len(missing)} of the model's tensors, {missing[0]} for one; get the whole model again,"
            f" or save it under the names of transformers' {family.model.__name__}"
        )
    return model.eval().to(device)


def image_processor(
    family: Family, name: str, weights: Weights, config: transformers.PretrainedConfig
) -> transformers.BaseImageProcessor:
    """The image processor of the weights: the checkpoint's or the hub's own, else the family's at the model's size."""
    origin = origin_of(name, weights)
    own = family.image_processor(config)
    if origin and (not weights.checkpoint or (Path(origin) / "preprocessor_config.json").is_file()):
        return type(own).from_pretrained(origin)
    return own


def refuse_generation(model: nn.Module) -> None:
    """UnsupportedError where the settings of a text model make generate choose by more than the largest logit."""
    settings, default = model.generation_config, GenerationConfig()
    changed = [f"{name} {getattr(settings, name)}" for name in _CHOICES if getattr(settings, name) != getattr(default, name)]
    if changed:
        raise UnsupportedError(
            f"caption model that generates with {', '.join(changed)} is not supported: captions are greedy"
        )
    if settings.num_beams != 1 or settings.do_sample:
        step("note: the model asks for beams or sampling; the bundle's captions are greedy")
