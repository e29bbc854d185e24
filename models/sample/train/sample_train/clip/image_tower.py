"""CLIP's image tower, to be trained alone: its features are drawn to a point for each name, colour, medium and icon family.

The points are the ends that the text tower is then trained to reach; that costs far fewer passes than training both
against each other from nothing.
"""

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from open_clip.model import CLIP

from ..drawing.palette import COLOURS
from ..drawing.scenes import Batch
from ..icons.sets import ARTISTS, MEDIUMS
from ..paths import WORK
from ..training import restore
from .config import build_clip

CHECKPOINT = WORK / "image-tower.pt"
# Of the tower that was trained on towards what the text tower says.
TUNED_CHECKPOINT = WORK / "image-tower-tuned.pt"
BATCH = 128
LEARNING_RATE = 2e-3
_SMOOTHING = 0.05


class ImageTower(torch.nn.Module):
    """The tower and the points, unit vectors of its own dimensions."""

    def __init__(self, names: int):
        super().__init__()
        clip: CLIP = build_clip()
        self.tower = clip.visual
        width = clip.text_projection.shape[1]
        self.names, self.colours, self.mediums, self.artists = (
            torch.nn.Parameter(F.normalize(torch.randn(count, width), dim=1))
            for count in (names, len(COLOURS), len(MEDIUMS), len(ARTISTS))
        )
        self.scale = torch.nn.Parameter(torch.tensor(16.0))
        # The backward pass of these convolutions is twice as fast on a CPU with the channels innermost.
        self.tower.to(memory_format=torch.channels_last)
        for stage in (self.tower.layer1, self.tower.layer2):
            stage.register_forward_hook(self._mix_styles)
        # 0 … 1, as the scenes'.
        self.difficulty = 1.0

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Unit features [B,D] of normalised pixels [B,3,64,64]."""
        return F.normalize(self.tower(pixels.contiguous(memory_format=torch.channels_last)), dim=1)

    @torch.no_grad()
    def hold_points(self, *points: torch.Tensor) -> None:
        """From here on the points of names, colours, mediums and artists are these, and stay where they are."""
        for mine, given in zip((self.names, self.colours, self.mediums, self.artists), points, strict=True):
            mine.copy_(given)
            mine.requires_grad_(False)

    def loss(self, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """Cross-entropy of the name, and with less weight of the rest."""
        device = self.names.device
        features = self.features(batch.pixels)
        names = self.scale * features @ F.normalize(self.names, dim=1).T
        name = F.cross_entropy(names, name_targets(batch, len(self.names)).to(device))
        rest = {
            kind: F.cross_entropy(self.scale * features @ F.normalize(points, dim=1).T, ids.to(device))
            for kind, points, ids in (
                ("colour", self.colours, batch.colour_ids),
                ("medium", self.mediums, batch.medium_ids),
                ("artist", self.artists, batch.artist_ids),
            )
        }
        loss = name + 0.12 * rest["colour"] + 0.08 * rest["medium"] + 0.03 * rest["artist"]
        return loss, {"name": name.item()} | {kind: part.item() for kind, part in rest.items()}

    def _mix_styles(self, stage: torch.nn.Module, _inputs: Iterator, output: torch.Tensor) -> torch.Tensor | None:
        """MixStyle (Zhou et al., ICLR 2021): an image's channel statistics, its style, are mixed with another's."""
        if not stage.training or torch.rand(()) > 0.5 * self.difficulty:
            return None
        seen = output.detach()
        mean, deviation = seen.mean((2, 3), keepdim=True), seen.std((2, 3), keepdim=True) + 1e-5
        other = torch.randperm(len(output), device=output.device)
        share = torch.distributions.Beta(0.2, 0.2).sample((len(output), 1, 1, 1)).to(output.device)
        mixed_mean = share * mean + (1 - share) * mean[other]
        mixed_deviation = share * deviation + (1 - share) * deviation[other]
        return (output - mean) / deviation * mixed_deviation + mixed_mean


def name_targets(batch: Batch, names: int) -> torch.Tensor:
    """What a name classifier should say, float [B, names]: half of each where there are two objects, a little smoothed."""
    rows = torch.arange(len(batch.name_ids))
    two = batch.second_ids >= 0
    targets = torch.full((len(rows), names), _SMOOTHING / names)
    targets[rows, batch.name_ids] += (1 - _SMOOTHING) * torch.where(two, 0.5, 1.0)
    targets[rows[two], batch.second_ids[two]] += (1 - _SMOOTHING) / 2
    return targets


def load_image_tower(names: int, stage: Literal["image", "tune"] = "image") -> ImageTower:
    """What a stage has trained, in eval mode."""
    model = ImageTower(names)
    restore(CHECKPOINT if stage == "image" else TUNED_CHECKPOINT, model, stage)
    return model.eval()
