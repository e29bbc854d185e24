"""A graph with a folder of `reference.py`: the modules, filled from its weights as the graph says, against its answers."""

import json
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image
from safetensors import safe_open

from ..clip import operators  # noqa: F401  text.pt calls interrogator::tree_attention
from ..clip.text import BIDIRECTIONAL
from ..clip.tree import build_tree
from .blob import Graph
from .make import filled
from .reference import ANSWERS, whole_text

# Largest absolute difference of a feature.
TOLERANCE = 1e-5


def compare(graph: Graph, folder: Path) -> dict[str, Any]:
    """What differs: `image` and `text` for features, or `tokens`; `passed` says whether it is little enough.

    `apart`: what two pictures and two texts differ by.
    """
    answers = json.loads((folder / ANSWERS).read_text())
    if answers["kind"] == "clip":
        image, text = _image_difference(graph, answers, folder), _text_difference(graph, answers, folder)
        # Features that were all the same would agree with anything.
        apart = [_largest(torch.tensor(answers[kind][0]), answers[kind][1]) for kind in ("imageFeatures", "textFeatures")]
        passed = max(image, text) <= TOLERANCE and min(apart) > 100 * max(image, text)
        return {"image": image, "text": text, "apart": apart, "passed": passed}
    ours = _captions(graph, answers, folder)
    pairs = zip(ours, answers["captions"], strict=True)
    tokens = sum(len(caption) for caption in answers["captions"])
    wrong = sum(mine != theirs for mine, theirs in pairs)
    return {"tokens": tokens, "wrongCaptions": wrong, "passed": wrong == 0}


def from_file(graph: Graph, name: str, weights: Path) -> torch.jit.ScriptModule:
    """A module with weights from a safetensors file, which may give a tensor any of its names."""
    aliases = graph.header["aliases"]
    with safe_open(weights, framework="pt") as file:
        there = set(file.keys())

        def read(tensor: str) -> torch.Tensor:
            return file.get_tensor(next(each for each in (tensor, *aliases.get(tensor, ())) if each in there))

        return filled(graph, name, read)


def pixels(picture: Path, manifest: dict[str, Any]) -> torch.Tensor:
    """A picture of the model's size, normalised."""
    values = torch.from_numpy(numpy.array(Image.open(picture).convert("RGB"))).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(manifest[name])[:, None, None] for name in ("mean", "std"))
    return ((values - mean) / std)[None]


def _image_difference(graph: Graph, answers: dict[str, Any], folder: Path) -> float:
    tower = from_file(graph, "image.pt", folder / answers["weights"])
    manifest = graph.header["manifest"]["image"]
    ours = torch.cat([tower(pixels(folder / name, manifest)) for name in answers["pictures"]])
    return _largest(ours, answers["imageFeatures"])


def _text_difference(graph: Graph, answers: dict[str, Any], folder: Path) -> float:
    tower = from_file(graph, "text.pt", folder / answers["weights"])
    fields = graph.header["manifest"]["text"]
    sequences = [whole_text(ids, fields) for ids in answers["tokens"]]
    if fields["tower"] == BIDIRECTIONAL:
        ours = torch.cat([tower(torch.tensor([sequence])) for sequence in sequences])
    else:
        cache = tower.prefill(torch.tensor(sequences[0][:1]))
        ours = tower.extend(*cache, *build_tree(sequences, 1))
    return _largest(ours, answers["textFeatures"])


def _largest(ours: torch.Tensor, theirs: list) -> float:
    distance = (ours - torch.tensor(theirs)).abs().max().item()
    # NaN is no difference that could be small enough.
    return distance if distance == distance else float("inf")


def _captions(graph: Graph, answers: dict[str, Any], folder: Path) -> list[list[int]]:
    """Greedy captions, prompt and end token included."""
    manifest = graph.header["manifest"]
    vision, decoder = (from_file(graph, name, folder / answers["weights"]) for name in ("vision.pt", "decoder.pt"))
    fields = manifest["decoder"]
    captions = []
    for name in answers["pictures"]:
        cross_keys, cross_values = decoder.cross(vision(pixels(folder / name, manifest["vision"])))
        ids = list(fields["promptIds"])
        shape = (fields["layers"], 1, fields["heads"], len(ids) + answers["newTokens"], fields["headDim"])
        keys, values = torch.zeros(shape), torch.zeros(shape)
        fed = 0
        while len(ids) < len(fields["promptIds"]) + answers["newTokens"] and ids[-1] != fields["eosId"]:
            logits = decoder.step(torch.tensor([ids[fed:]]), fed, keys, values, cross_keys, cross_values)
            fed = len(ids)
            ids.append(int(logits.argmax()))
        captions.append(ids)
    return captions
