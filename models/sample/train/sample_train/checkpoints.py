"""Checkpoints: written whole or not at all, and read back to go on from."""

import os
from pathlib import Path
from typing import Any

import torch

from .errors import RecipeError


def save_checkpoint(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, seconds: float, origin: str
) -> None:
    """Writes under a temporary name first, so that a break leaves the last good one. `seconds`: spent so far."""
    part = path.with_suffix(".part")
    progress = {"step": step, "seconds": seconds, "origin": origin}
    torch.save({**progress, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, part)
    os.replace(part, path)


def resume(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, origin: str) -> dict[str, Any]:
    """Restores what the checkpoint has, and returns its `step` and `seconds`; zeros where there is none.

    Raises RecipeError where it was trained from another seed, other names or another stage's outcome: another `origin`.
    """
    if not path.exists():
        return {"step": 0, "seconds": 0.0}
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state.get("origin") != origin:
        raise RecipeError(
            f"{path} was trained from something else ({state.get('origin')}, not {origin}): move it away to begin anew"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state


def restore(path: Path, model: torch.nn.Module, stage: str) -> None:
    """Loads what a stage has trained. Raises RecipeError where it has not."""
    if not path.exists():
        raise RecipeError(f"{path} is missing: run the stage {stage} first")
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["model"])
