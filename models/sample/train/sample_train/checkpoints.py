"""Checkpoints: written whole or not at all, and read back to go on from."""

import os
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, seconds: float) -> None:
    """Writes under a temporary name first, so that a break leaves the last good one. `seconds`: spent so far."""
    part = path.with_suffix(".part")
    state = {"step": step, "seconds": seconds, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, part)
    os.replace(part, path)


def load_checkpoint(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None) -> dict[str, Any]:
    """Restores what the checkpoint has, and returns its `step` and `seconds`; zeros where there is none."""
    if not path.exists():
        return {"step": 0, "seconds": 0.0}
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    if optimizer:
        optimizer.load_state_dict(state["optimizer"])
    return state
