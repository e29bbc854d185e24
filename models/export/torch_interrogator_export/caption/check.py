"""A caption bundle against the transformers model that it came from."""

from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from ..difference import HALF_LOGITS_TOLERANCE, require_close, require_within_rounding
from ..manifest import read_manifest
from .family import Family

_NEW_TOKENS = 32


def check_caption(folder: Path, family: Family, model: nn.Module, device: str) -> None:
    """ExportError where the bundle in `folder` gives other image embeddings, logits or captions than `model`."""
    manifest = read_manifest(folder)
    precision = manifest["precision"]
    Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"])).decode(manifest["decoder"]["promptIds"])
    vision = torch.jit.load(str(folder / manifest["vision"]["file"]), map_location=device).float().eval()
    decoder = torch.jit.load(str(folder / manifest["decoder"]["file"]), map_location=device).float().eval()
    generator = torch.Generator().manual_seed(0)
    fields = manifest["decoder"]
    # The last new token is not fed back, so it needs no position.
    new_tokens = min(_NEW_TOKENS, fields["maxPositions"] - len(fields["promptIds"]) + 1)
    with torch.inference_mode():
        images = torch.randn(2, 3, *manifest["vision"]["size"], generator=generator).to(device)
        captions = model.generate(pixel_values=images, max_new_tokens=new_tokens, num_beams=1, do_sample=False)
        captions = captions[:, len(fields.get("prefixIds", ())) :]
        ids = captions[:, :-1]
        expected = family.image_embeds(model, images)
        reference = family.logits(model, images, ids)
        # Together, and the first alone.
        for rows in (slice(2), slice(1)):
            embeds = vision(images[rows])
            # Along the source's own caption, so that one near tie does not make everything after it differ.
            logits = decode_along(decoder, manifest, embeds, captions[rows].tolist())
            if precision == "fp32":
                exactly = partial(_exactly, family, model, images[rows])
                require_within_rounding("image embeddings", embeds, expected[rows], exactly)
                # Logits so near choose the same token wherever two are not as near to each other themselves.
                require_within_rounding("caption logits", logits, reference[rows], partial(exactly, ids[rows]))
            else:
                require_close("image embeddings", embeds, expected[rows], precision)
                require_close("caption logits", logits, reference[rows], precision, HALF_LOGITS_TOLERANCE)


def _exactly(family: Family, model: nn.Module, images: torch.Tensor, ids: torch.Tensor | None = None) -> torch.Tensor:
    """Embeddings of images, or with ids the logits after each of them, in float64. There and back changes no weight."""
    model.double()
    images = images.double()
    answer = family.image_embeds(model, images) if ids is None else family.logits(model, images, ids)
    model.float()
    return answer


def decode_along(
    decoder: torch.jit.ScriptModule, manifest: dict, embeds: torch.Tensor, captions: list[list[int]]
) -> torch.Tensor:
    """Logits [B, T - 1, vocabSize] after each id of the captions but the last, one step at a time through the caches."""
    fields = manifest["decoder"]
    ids = torch.tensor(captions, device=embeds.device)
    cross_keys, cross_values = decoder.cross(embeds)
    shape = (fields["layers"], len(captions), fields["heads"], ids.shape[1], fields["headDim"])
    keys = torch.zeros(shape, device=embeds.device)
    values = torch.zeros_like(keys)
    steps = [decoder.step(ids[:, at : at + 1], at, keys, values, cross_keys, cross_values) for at in range(ids.shape[1] - 1)]
    return torch.stack(steps, dim=1)
