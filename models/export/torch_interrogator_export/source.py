"""Where weights come from: the hub, a checkpoint, or a seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UsageError


@dataclass(frozen=True)
class Weights:
    """The hub by default; at most one of `checkpoint` and `seed` is given."""

    checkpoint: str | None = None
    seed: int | None = None

    def fields(self) -> dict[str, Any]:
        """For the manifest's `source`. Of a checkpoint only the name: its path says something about a machine."""
        if self.checkpoint is not None:
            return {"weights": "checkpoint", "checkpoint": Path(self.checkpoint).name}
        if self.seed is not None:
            return {"weights": "untrained", "seed": self.seed}
        return {"weights": "hub"}


def existing(path: str, option: str) -> str:
    """`path`, checked to be there."""
    if not Path(path).exists():
        raise UsageError(f"{option} {path} does not exist")
    return path
