"""Seeded weights in the publisher's layout, and what the reference library answers with that very file.

A folder holds `weights` (a file, or for captioners a folder as transformers writes it), `picture-N.png` of exactly the
model's size, so that no resizing takes part, and `answers.json`:

    {"graph", "kind", "weights": path in the folder, "parameters", "dtype", "pictures": [path, …],
     "texts": [text, …] or null, "tokens": [[id, …], …], "padded": [[id, …], …],
     "imageFeatures": [[…], …], "textFeatures": [[…], …]                           (kind clip; unit rows)
     "captions": [[id, …], …], "newTokens"}                                       (kind caption; prompt and end included)

`tokens` are the texts without start and end, of any length; `padded` is what the reference read. Where its tokenizer is the
hub's, tokens are seeded random ids, and `texts` is null.
"""

import json
from pathlib import Path
from typing import Any

import numpy
import torch
from open_clip.timm_model import TimmModel
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import BaseImageProcessor

from .sources import Source

ANSWERS = "answers.json"
CLIP_WEIGHTS = "open_clip_model.safetensors"
CAPTION_WEIGHTS = "model.safetensors"
PICTURES = 2
NEW_TOKENS = 12
TEXTS = [
    "a photo of a cat, trending on artstation",
    "A painting of a Woman in a RED dress, inspired by Élisabeth Sonrel",
    "it's 1920's café — naïve façade, 50% off!!! don't",
    "",
]
# NLLB's last ids are codes of languages.
_PLAIN_IDS = 256_000
# Larger models are kept in 16 bits, so that the file, the reference and ours fit on a small machine.
_FLOAT32_BELOW = 1_200_000_000


def write_reference(name: str, source: Source, folder: Path, seed: int) -> dict[str, Any]:
    """Makes the folder and returns its answers. An older folder's files are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = source.make("cpu")
    if isinstance(getattr(model, "visual", None), TimmModel):
        strengthen(model.visual)
    randomise_constants(model, seed)
    settle_batch_norms(model, seed)
    count = sum(parameter.numel() for parameter in model.parameters())
    dtype = torch.float32 if count < _FLOAT32_BELOW else torch.float16
    answers = {"graph": name, "kind": source.kind, "parameters": count, "dtype": str(dtype).removeprefix("torch.")}
    # In place: two copies of the largest are more than a small machine holds.
    model.to(dtype)
    if source.kind == "clip":
        save_file({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, folder / CLIP_WEIGHTS)
        del model
        answers |= {"weights": CLIP_WEIGHTS} | _clip_answers(source, folder)
    else:
        model.save_pretrained(folder)
        processor = source.family.image_processor(model.config)
        processor.save_pretrained(folder)
        prefix = len(source.manifest(model)["decoder"].get("prefixIds", ()))
        del model
        answers |= {"weights": CAPTION_WEIGHTS} | _captions(source, folder, processor, prefix)
    (folder / ANSWERS).write_text(json.dumps(answers))
    return answers


def randomise_constants(model: nn.Module, seed: int) -> None:
    """Adds noise to what a library initialises with one number, so that a mix-up of two such tensors shows."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        # Scales of logits, of no dimension, are read by nothing.
        if not tensor.is_floating_point() or tensor.dim() == 0 or (tensor != tensor.flatten()[0]).any():
            continue
        noise = torch.randn(tensor.shape, generator=generator) * 0.05
        tensor.add_(noise.abs() if name.endswith("running_var") else noise)


def strengthen(network: nn.Module) -> None:
    """Gives layers weights that keep the size of what they read: timm's begin so small that pictures hardly matter."""
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            module.weight.mul_(module.weight[0].numel() ** -0.5 / module.weight.std().clamp(min=1e-12))


def settle_batch_norms(model: nn.Module, seed: int) -> None:
    """Gives batch norms the statistics of random pictures: with others a deep ResNet answers the same to every one."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    pictures = torch.randn(4, 3, *_size(model), generator=torch.Generator().manual_seed(seed))
    for norm in norms:
        norm.momentum = 1.0
    model.visual.train()
    model.visual(pictures)
    model.eval()


def _size(model: nn.Module) -> tuple[int, int]:
    size = model.visual.image_size
    return (size, size) if isinstance(size, int) else tuple(size)


def _pictures(folder: Path, height: int, width: int) -> list[str]:
    """Smooth random colours, of just the model's size."""
    random = numpy.random.default_rng(0)
    names = []
    for index in range(PICTURES):
        coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=numpy.uint8))
        names.append(f"picture-{index}.png")
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(folder / names[-1])
    return names


def _clip_answers(source: Source, folder: Path) -> dict[str, Any]:
    model = source.make("cpu", str(folder / CLIP_WEIGHTS))
    names = _pictures(folder, *_size(model))
    preprocess = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    pixels = torch.stack([preprocess(Image.open(folder / name)) for name in names])
    texts, tokens, padded = _texts(source, model)
    # One at a time: a big model's activations are large.
    images = torch.cat([model.encode_image(row[None], normalize=True) for row in pixels])
    features = torch.cat([model.encode_text(row[None], normalize=True) for row in torch.tensor(padded)])
    return {
        "pictures": names,
        "texts": texts,
        "tokens": tokens,
        "padded": padded,
        "imageFeatures": images.tolist(),
        "textFeatures": features.tolist(),
    }


def _texts(source: Source, model: nn.Module) -> tuple[list[str] | None, list[list[int]], list[list[int]]]:
    """`texts`, `tokens` and `padded` of the answers."""
    if source.tokenizer is not None:
        return TEXTS, [source.tokenizer.encode(text) for text in TEXTS], source.tokenizer(TEXTS).tolist()
    fields = source.manifest(model)["text"]
    start, end, pad, context = (fields[name] for name in ("sotId", "eotId", "padId", "contextLength"))
    random = numpy.random.default_rng(0)
    special = {start, end, pad, *range(10)}
    room = context - 1 - (start is not None)
    tokens = []
    # From an empty text to one that has to be cut.
    for length in (0, 1, 5, room - 1, room, room + 3):
        ids = random.integers(0, min(fields["vocabSize"], _PLAIN_IDS), 2 * length + 40).tolist()
        tokens.append([each for each in ids if each not in special][:length])
    padded = [whole_text(ids, fields) for ids in tokens]
    return None, tokens, [row + [pad] * (context - len(row)) for row in padded]


def whole_text(ids: list[int], fields: dict[str, Any]) -> list[int]:
    """A text's tokens with start and end, cut to the context: what the core gives a tower."""
    start = [] if fields["sotId"] is None else [fields["sotId"]]
    return [*start, *ids[: fields["contextLength"] - len(start) - 1], fields["eotId"]]


def _captions(source: Source, folder: Path, processor: BaseImageProcessor, prefix: int) -> dict[str, Any]:
    """`prefix`: how many of the ids that generate returns stand for the image."""
    model = source.family.model.from_pretrained(folder, torch_dtype=torch.float32).eval()
    size = getattr(processor, "crop_size", None) or processor.size
    names = _pictures(folder, size["height"], size["width"])
    captions = []
    for name in names:
        pixels = processor(Image.open(folder / name), return_tensors="pt")["pixel_values"]
        ids = model.generate(pixel_values=pixels, max_new_tokens=NEW_TOKENS, num_beams=1, do_sample=False)
        captions.append(ids[0, prefix:].tolist())
    return {"pictures": names, "captions": captions, "newTokens": NEW_TOKENS}
