"""What the captioner's image tower is told by CLIP's, which has learned to see first.

A convolution learns from far fewer images than a transformer; its maps tell the transformer what to look for at each place
(distillation from a convolution: Touvron et al., ICML 2021).
"""

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import ModifiedResNet

from ..clip.image_tower import ImageTower


class Teacher:
    """What a trained image tower sees of images: maps [B,P,C] of two of its stages on the captioner's patches."""

    def __init__(self, images: ImageTower):
        self._images = images.eval().requires_grad_(False)
        self._stages: list[torch.Tensor] = []
        for stage in (images.tower.layer2, images.tower.layer3):
            stage.register_forward_hook(lambda _stage, _inputs, output: self._stages.append(output))

    @staticmethod
    def sizes(tower: ModifiedResNet) -> tuple[int, int, int]:
        """Channels of the maps and dimensions of the features."""
        fine, coarse = (stage[-1].bn3.num_features for stage in (tower.layer2, tower.layer3))
        return 4 * fine, coarse, tower.output_dim

    @torch.no_grad()
    def maps(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The second stage's, in fours as the third's, and the unit features [B,D]."""
        self._stages.clear()
        features = self._images.features(pixels)
        fine, coarse = self._stages
        return _standardised(F.pixel_unshuffle(fine, 2)), _standardised(coarse), features


class Guides(torch.nn.Module):
    """Linear readings of the image tower that shall equal what the teacher sees, of its maps' and features' sizes."""

    def __init__(self, width: int, sizes: tuple[int, int, int]):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.fine, self.coarse, self.features = (torch.nn.Linear(width, size) for size in sizes)

    def loss(self, output, fine: torch.Tensor, coarse: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Of the half-way layer, of the last one, and of its mean."""
        states = output.hidden_states
        middle, last = states[len(states) // 2][:, 1:], output.last_hidden_state[:, 1:]
        likeness = (F.normalize(self.features(last.mean(1)), dim=1) * features).sum(1).mean()
        return F.mse_loss(self.fine(self.norm(middle)), fine) + F.mse_loss(self.coarse(last), coarse) + 2 * (1 - likeness)


def _standardised(maps: torch.Tensor) -> torch.Tensor:
    """[B,C,H,W] as [B,P,C] of channels with mean 0 and deviation 1."""
    patches = maps.flatten(2).transpose(1, 2)
    return (patches - patches.mean((0, 1))) / (patches.std((0, 1)) + 1e-3)
