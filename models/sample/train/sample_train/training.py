"""The loop that both models train in: AdamW, warm-up and cosine, checkpoints, progress."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from .checkpoints import load_checkpoint, save_checkpoint

WEIGHT_DECAY = 0.05
_SECONDS_BETWEEN_CHECKPOINTS = 20

StepLoss = Callable[[], tuple[torch.Tensor, dict[str, float]]]


@dataclass(frozen=True)
class Schedule:
    """Ends after `steps`, or after `minutes` of CPU time if sooner; the learning rate falls to nothing by then."""

    steps: int
    minutes: float | None = None


def run_training(
    title: str,
    model: torch.nn.Module,
    checkpoint: Path,
    schedule: Schedule,
    start: Callable[[int], StepLoss],
    learning_rate: float,
    after_step: Callable[[], None] = lambda: None,
) -> None:
    """Trains `model` in place. `start(step)` gives the loss function of a run that begins at that step."""
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    plain = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))
    state = load_checkpoint(checkpoint, model, optimizer)
    step, spent = state["step"], state["seconds"]
    loss_of = start(step)
    began = saved = time.process_time()
    progress = tqdm(initial=step, total=schedule.steps, desc=title, mininterval=10)
    model.train()
    while (done := _share_done(schedule, step, spent + time.process_time() - began)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(done / 0.05 + 0.02, 0.5 + 0.5 * math.cos(math.pi * done))
        loss, parts = loss_of()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        with torch.no_grad():
            after_step()
        step += 1
        progress.update()
        progress.set_postfix({key: f"{value:.2f}" for key, value in parts.items()}, refresh=False)
        if time.process_time() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            saved = time.process_time()
            save_checkpoint(checkpoint, model, optimizer, step, spent + saved - began)
    save_checkpoint(checkpoint, model, optimizer, step, spent + time.process_time() - began)
    progress.close()


def _share_done(schedule: Schedule, step: int, seconds: float) -> float:
    share = step / schedule.steps
    return max(share, seconds / 60 / schedule.minutes) if schedule.minutes else share
