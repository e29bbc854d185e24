"""The loop that every model trains in: AdamW, warm-up and cosine, checkpoints, progress."""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from .errors import RecipeError

WEIGHT_DECAY = 0.05
_WARM_UP = 0.04
_SECONDS_BETWEEN_CHECKPOINTS = 60

# Takes the share of the steps that is done, 0 … 1.
StepLoss = Callable[[float], tuple[torch.Tensor, dict[str, float]]]


def run_training(
    title: str,
    model: torch.nn.Module,
    checkpoint: Path,
    steps: int,
    start: Callable[[int], StepLoss],
    learning_rate: float,
    origin: str,
) -> None:
    """Trains `model` in place, going on from the checkpoint where there is one; the learning rate falls to nothing.

    `start(step)` gives the loss function of a run that begins at that step. `origin`: what the training begins from, as far
    as it must not change between two runs of one training.
    """
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    plain = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))
    first = _resume(checkpoint, model, optimizer, origin)
    loss_of = start(first)
    saved = time.monotonic()
    progress = tqdm(range(first, steps), initial=first, total=steps, desc=title, mininterval=10)
    model.train()
    for step in progress:
        done = step / steps
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(done / _WARM_UP + 0.02, 0.5 + 0.5 * math.cos(math.pi * done))
        loss, parts = loss_of(done)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        progress.set_postfix({key: f"{value:.2f}" for key, value in parts.items()}, refresh=False)
        if step + 1 == steps or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            saved = time.monotonic()
            _save(checkpoint, model, optimizer, step + 1, origin)


def restore(path: Path, model: torch.nn.Module, stage: str) -> None:
    """Loads what a stage has trained. Raises RecipeError where it has not."""
    if not path.exists():
        raise RecipeError(f"{path} is missing: run the stage {stage} first")
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["model"])


def _save(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, origin: str) -> None:
    """Writes under a temporary name first, so that a break leaves the last good one."""
    part = path.with_suffix(".part")
    torch.save({"step": step, "origin": origin, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, part)
    os.replace(part, path)


def _resume(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, origin: str) -> int:
    """Restores what the checkpoint has, and returns its step; 0 where there is none.

    Raises RecipeError where it was trained from another seed, other names or another stage's outcome: another `origin`.
    """
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["origin"] != origin:
        raise RecipeError(
            f"{path} was trained from something else ({state['origin']}, not {origin}): move it away to begin anew"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]
