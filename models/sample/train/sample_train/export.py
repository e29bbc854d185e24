"""Hands both models to the exporter, which knows nothing of them."""

import math
import os
import subprocess
import sys

import torch

from .caption.model import MODEL_FOLDER
from .caption.train import write_captioner
from .clip.config import ARCHITECTURE, CONFIG_FILE, build_clip, build_tokenizer
from .clip.image_tower import load_image_tower
from .clip.text_tower import CHECKPOINT as TEXT_CHECKPOINT
from .clip.text_tower import SCALE, TextTower
from .paths import REPOSITORY, SAMPLE, TRAIN, VOCABULARY, WORK
from .stock import Stock
from .training import restore


def export(stock: Stock) -> None:
    """Writes models/sample/clip and models/sample/caption from the latest checkpoints, in half precision."""
    weights = WORK / "clip-weights.pt"
    build_tokenizer()
    torch.save(clip_weights(stock), weights)
    write_captioner(stock.names)
    half = ["--precision", "fp16"]
    _run("clip", ARCHITECTURE, "--config", CONFIG_FILE, "--checkpoint", weights, *half,
         "--vocabulary", VOCABULARY, "--out", SAMPLE / "clip")  # fmt: skip
    _run("caption", ARCHITECTURE, "--checkpoint", MODEL_FOLDER, *half, "--out", SAMPLE / "caption")


def clip_weights(stock: Stock) -> dict[str, torch.Tensor]:
    """The state of open_clip's CLIP with both trained towers."""
    images = load_image_tower(len(stock.names), "tune")
    texts = TextTower(images, stock.names, stock.seed)
    restore(TEXT_CHECKPOINT, texts, "text")
    clip = build_clip()
    clip.visual.load_state_dict(images.tower.state_dict())
    for part in ("token_embedding", "transformer", "ln_final"):
        getattr(clip, part).load_state_dict(getattr(texts, part).state_dict())
    clip.positional_embedding.data.copy_(texts.positional_embedding.data)
    clip.text_projection.data.copy_(texts.text_projection.data)
    clip.logit_scale.data.fill_(math.log(SCALE))
    return {name: value.contiguous() for name, value in clip.state_dict().items()}


def _run(*arguments: object) -> None:
    exporter = str(REPOSITORY / "models" / "export")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([exporter, os.environ.get("PYTHONPATH", "")])}
    # The config names its merges beside this folder.
    command = [sys.executable, "-m", "torch_interrogator_export", *map(str, arguments)]
    subprocess.run(command, check=True, env=environment, cwd=TRAIN)
