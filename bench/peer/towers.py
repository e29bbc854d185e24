"""One model of open_clip or transformers, with the seeded weights of the exporter's `graphs reference`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from calls import Session, open_rgb
from open_clip.transform import PreprocessCfg, image_transform_v2
from torch.utils.flop_counter import FlopCounterMode
from torch_interrogator_export.graphs import reference, sources


@dataclass
class Tower:
    model: Any
    # open_clip's transform of a picture, or transformers' image processor.
    preprocess: Any
    # Of what generate returns, how many ids stand for the image.
    prefix: int = 0


_open: list[Tower] = []


def open_tower(_session: Session, name: str, folder: str) -> None:
    """The model of a graph's name, loaded by its own library from the files in `folder`."""
    answers = json.loads((Path(folder) / reference.ANSWERS).read_text())
    source = sources.source(name)
    if answers["kind"] == "clip":
        model = source.make("cpu", str(Path(folder) / answers["weights"]))
        _open.append(Tower(model, image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)))
        return
    model = source.family.model.from_pretrained(folder, torch_dtype=torch.float32).eval()
    prefix = len(source.manifest(model)["decoder"].get("prefixIds", ()))
    _open.append(Tower(model, source.family.image_processor(model.config), prefix))


def close_tower(_session: Session) -> None:
    _open.clear()


def tower_flops(_session: Session, path: str | None = None, tokens: list[list[int]] | None = None) -> int:
    """Arithmetic of a picture's or of padded texts' features: layers and convolutions. Attention itself is not counted."""
    tower = _open[-1]
    # Without gradients torch takes a transformer's shortcut, which is not counted.
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:
        if path is not None:
            tower.model.encode_image(tower.preprocess(open_rgb(path))[None])
        else:
            tower.model.encode_text(torch.tensor(tokens))
    return counter.get_total_flops()


@torch.no_grad()
def tower_images(_session: Session, paths: list[str]) -> list[list[float]]:
    """Unit features of files, one batch."""
    tower = _open[-1]
    pixels = torch.stack([tower.preprocess(open_rgb(path)) for path in paths])
    return _unit(tower.model.encode_image(pixels)).tolist()


@torch.no_grad()
def tower_texts(_session: Session, tokens: list[list[int]]) -> list[list[float]]:
    """Unit features of padded texts. A chunk of clip-interrogator's is longer than any list of these."""
    return _unit(_open[-1].model.encode_text(torch.tensor(tokens))).tolist()


@torch.no_grad()
def tower_caption(_session: Session, path: str, max_tokens: int, beams: int) -> list[int]:
    """The prompt's ids and those of the caption."""
    tower = _open[-1]
    pixels = tower.preprocess(open_rgb(path), return_tensors="pt")["pixel_values"]
    ids = tower.model.generate(pixel_values=pixels, max_new_tokens=max_tokens, num_beams=beams, do_sample=False)
    return ids[0, tower.prefix :].tolist()


def _unit(features: torch.Tensor) -> torch.Tensor:
    return features / features.norm(dim=-1, keepdim=True)
