"""Hands both models to the exporter, which knows nothing of them."""

import os
import subprocess
import sys

import torch

from .paths import CONFIG, REPOSITORY, SAMPLE, VOCABULARY, WORK
from .render import Sprites
from .train_caption import load_captioner
from .train_clip import load_clip


def export(sprites: list[Sprites]) -> None:
    """Writes models/sample/clip and models/sample/caption from the latest checkpoints, in half precision."""
    weights = WORK / "clip-weights.pt"
    torch.save({name: value.contiguous() for name, value in load_clip().state_dict().items()}, weights)
    load_captioner(sprites)
    half = ["--precision", "fp16"]
    _run("clip", "sample", "--config", CONFIG / "sample.json", "--checkpoint", weights, *half,
         "--vocabulary", VOCABULARY, "--out", SAMPLE / "clip")  # fmt: skip
    _run("caption", "sample", "--checkpoint", WORK / "captioner", *half, "--out", SAMPLE / "caption")


def _run(*arguments: object) -> None:
    exporter = str(REPOSITORY / "models" / "export")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([exporter, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "torch_interrogator_export", *map(str, arguments)]
    subprocess.run(command, check=True, env=environment)
