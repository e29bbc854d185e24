"""The loop that every model trains in: AdamW, warm-up and cosine, checkpoints, progress."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from .checkpoints import resume, save_checkpoint

WEIGHT_DECAY = 0.05
_WARM_UP = 0.04
_SECONDS_BETWEEN_CHECKPOINTS = 60

# Takes the share of the schedule that is done.
StepLoss = Callable[[float], tuple[torch.Tensor, dict[str, float]]]


@dataclass(frozen=True)
class Schedule:
    """Ends after `steps`, or after `minutes` if sooner; the learning rate falls to nothing by then."""

    steps: int
    minutes: float | None = None

    def share_done(self, step: int, seconds: float) -> float:
        """0 … 1 and up."""
        share = step / self.steps
        return max(share, seconds / 60 / self.minutes) if self.minutes else share


def run_training(
    title: str,
    model: torch.nn.Module,
    checkpoint: Path,
    schedule: Schedule,
    start: Callable[[int], StepLoss],
    learning_rate: float,
    origin: str,
) -> None:
    """Trains `model` in place. `start(step)` gives the loss function of a run that begins at that step.

    `origin`: what the training begins from, as far as it must not change between two runs of one training.
    """
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    plain = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))
    state = resume(checkpoint, model, optimizer, origin)
    step, spent = state["step"], state["seconds"]
    loss_of = start(step)
    began = saved = time.monotonic()
    progress = tqdm(initial=step, total=schedule.steps, desc=title, mininterval=10)
    model.train()
    while (done := schedule.share_done(step, spent + time.monotonic() - began)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(done / _WARM_UP + 0.02, 0.5 + 0.5 * math.cos(math.pi * done))
        loss, parts = loss_of(done)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        step += 1
        progress.update()
        progress.set_postfix({key: f"{value:.2f}" for key, value in parts.items()}, refresh=False)
        if time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            saved = time.monotonic()
            save_checkpoint(checkpoint, model, optimizer, step, spent + saved - began, origin)
    save_checkpoint(checkpoint, model, optimizer, step, spent + time.monotonic() - began, origin)
    progress.close()
