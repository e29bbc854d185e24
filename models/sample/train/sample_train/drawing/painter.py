"""Drawing: how icons come onto a canvas. Every call changes the hand a little: shape, place, colour, line, dirt."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torchvision.transforms.v2.functional import jpeg, normalize

IMAGE_SIZE = 64
# ITU-R BT.601: how bright each colour looks.
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Placement:
    """How far objects stray: side as a share of the image's, of the free room how much is used, how many are turned."""

    scale: tuple[float, float] = (0.55, 1.02)
    room: float = 0.9
    turned: float = 0.5
    warped: float = 0.6
    two_objects: float = 0.1

    def eased(self, difficulty: torch.Tensor) -> "Placement":
        """The same with a share (0 … 1 for every scene, [B]) of its straying; what things are is to be learned first."""
        low, high = self.scale
        return Placement(
            (0.75 + difficulty * (low - 0.75), 1 + difficulty * (high - 1)),
            self.room * (0.4 + 0.6 * difficulty),
            self.turned * (0.3 + 0.7 * difficulty),
            self.warped * difficulty,
            self.two_objects,
        )


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """RGB in 0 … 1, [B,3,H,W], as both models take it."""
    return normalize(pixels, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)


class Painter:
    """Draws on canvases, float [B,3,IMAGE_SIZE,IMAGE_SIZE] in 0 … 1."""

    def __init__(self, placement: Placement, random: torch.Generator, device: str):
        self.placement = placement
        self.random = random
        self.device = device

    def backgrounds(self, colours: torch.Tensor) -> torch.Tensor:
        """Canvases of these colours [B,3], some of them fading, within what the colour's name still means."""
        size = len(colours)
        base = (colours + 0.02 * self._normal(size, 3)).clamp(0, 1)
        fade = torch.where(self._chance(0.35, size), self._between(-0.14, 0.14, size), 0)
        angle = self._between(0, 2 * math.pi, size).view(-1, 1, 1)
        grid = torch.linspace(-0.5, 0.5, IMAGE_SIZE, device=self.device)
        ramp = angle.cos() * grid[None, None, :] + angle.sin() * grid[None, :, None] + 0.5
        return (base[:, :, None, None] + (fade.view(-1, 1, 1) * ramp)[:, None]).clamp(0, 1)

    def paint(self, canvas, layers, side, straying, *, mirrorable, recolourable, one_colour) -> torch.Tensor:
        """The canvases with premultiplied RGBA `layers` [B,4,S,S] on them. `side`: -1 left of two, 0 alone, 1 right of two.

        `straying` [B]: what share of the placement's and its own changes each may have.
        """
        size, alone, placement = len(canvas), side == 0, self.placement.eased(straying)
        scale = torch.where(alone, self._between(*placement.scale, size), self._between(0.38, 0.5, size))
        room = (1 - scale).clamp(min=0) * placement.room
        x = torch.where(alone, room * self._between(-1, 1, size), side * self._between(0.46, 0.54, size))
        y = room * self._between(-1, 1, size)
        grid = self._grid(placement, scale, x, y, mirrorable)
        drawn = torch.empty(size, 4, IMAGE_SIZE, IMAGE_SIZE, device=self.device)
        # Small ones are sampled from a halved drawing, so that thin lines do not vanish between samples.
        small = scale < 0.62
        for mine, picked in ((~small, layers[~small]), (small, F.avg_pool2d(layers[small], 2))):
            if len(picked):
                drawn[mine] = F.grid_sample(picked, grid[mine], align_corners=False)
        alpha = drawn[:, 3:]
        dark = canvas.mean((1, 2, 3)) < 0.4
        colours = torch.bmm(self._recolouring(recolourable, one_colour, dark, straying), drawn.flatten(2)).view(
            size, 3, IMAGE_SIZE, -1
        )
        return torch.minimum(colours.clamp(min=0), alpha) + canvas * (1 - alpha)

    def spoil(self, canvas: torch.Tensor, straying: torch.Tensor) -> torch.Tensor:
        """Some of the canvases blurred, sharpened, noisy, or squeezed as JPEG squeezes."""
        size = len(canvas)
        soft = F.avg_pool2d(F.pad(canvas, (1, 1, 1, 1), mode="replicate"), 3, 1)
        amount = torch.where(self._chance(0.4 * straying, size), self._between(-0.5, 1.0, size), 0).view(-1, 1, 1, 1)
        canvas = canvas + amount * (soft - canvas)
        noise = torch.where(self._chance(0.2 * straying, size), self._between(0.01, 0.06, size), 0).view(-1, 1, 1, 1)
        canvas = (canvas + noise * self._normal(*canvas.shape)).clamp(0, 1)
        squeezed = self._chance(0.1 * straying, size)
        if squeezed.any():
            canvas[squeezed] = self._jpeg(canvas[squeezed])
        return canvas

    def _grid(self, placement, scale, x, y, mirrorable) -> torch.Tensor:
        """Where in its sprite each canvas pixel lies: turned, stretched, sheared, mirrored, and bent by another hand."""
        size = len(scale)
        turn = torch.where(self._chance(placement.turned, size), self._normal(size) * math.radians(10), 0)
        mirror = torch.where(mirrorable & self._chance(0.35, size), -1.0, 1.0)
        stretch = (0.08 * self._normal(size)).exp()
        shear = torch.where(self._chance(0.3, size), 0.1 * self._normal(size), 0)
        wide, high = scale * stretch, scale / stretch
        cos, sin = turn.cos(), turn.sin()
        # grid_sample wants the inverse map: from canvas to sprite.
        rows = [
            torch.stack(
                [mirror * cos / wide, mirror * (sin + shear) / wide, -mirror * (cos * x + (sin + shear) * y) / wide], -1
            ),
            torch.stack([-sin / high, cos / high, (sin * x - cos * y) / high], -1),
        ]
        grid = F.affine_grid(torch.stack(rows, 1), [size, 1, IMAGE_SIZE, IMAGE_SIZE], align_corners=False)
        bend = torch.where(self._chance(placement.warped, size), self._between(0, 0.13, size), 0).view(-1, 1, 1, 1)
        waves = F.interpolate(self._normal(size, 2, 4, 4), size=(IMAGE_SIZE, IMAGE_SIZE), mode="bicubic", align_corners=True)
        return grid + (bend * waves).permute(0, 2, 3, 1)

    def _recolouring(self, recolourable, one_colour, dark, straying) -> torch.Tensor:
        """Colour changes as matrices [B,3,4] on premultiplied RGBA, so that alpha carries the constant part."""
        size = len(dark)
        luma = torch.tensor(_LUMA, device=self.device)
        grey = luma.expand(size, 3, 3)
        saturation = torch.where(self._chance(0.12 * straying, size), 0, self._between(0.5, 1.4, size)).view(-1, 1, 1)
        hue = torch.where(
            recolourable & self._chance(0.15 * straying, size),
            self._between(-math.pi, math.pi, size),
            0.15 * self._normal(size),
        )
        eye = torch.eye(3, device=self.device)
        mixed = grey + saturation * (_hue_rotation(hue, luma) - grey)
        contrast = self._between(0.6, 1.3, size)
        gain = contrast.view(-1, 1) * (1 + 0.08 * self._normal(size, 3))
        lift = 0.5 - 0.5 * contrast + self._between(-0.12, 0.12, size)
        coloured = torch.cat([mixed * gain[:, :, None], lift.view(-1, 1, 1).expand(-1, 3, 1)], 2)
        # One-colour icons are ink: black, or white where the ground is dark, or sometimes of a colour.
        ink = torch.where(self._chance(0.25, size).view(-1, 1), self._between(0, 0.45, size, 3), 0)
        inked = torch.cat([eye.expand(size, 3, 3) * (1 - ink[:, :, None]), ink[:, :, None]], 2)
        inverted = torch.cat([-eye.expand(size, 3, 3), torch.ones(size, 3, 1, device=self.device)], 2)
        one = torch.where(dark.view(-1, 1, 1), inverted, inked)
        return torch.where(one_colour.view(-1, 1, 1), one, coloured)

    def _jpeg(self, canvas: torch.Tensor) -> torch.Tensor:
        """What is left of canvases that were kept as JPEG files of qualities from 20 to 75."""
        pixels = (canvas * 255).round().byte().cpu()
        qualities = self._between(20, 75, len(canvas)).int().tolist()
        kept = torch.stack([jpeg(image, quality) for image, quality in zip(pixels, qualities, strict=True)])
        return kept.to(self.device) / 255

    def _between(self, low: float | torch.Tensor, high: float | torch.Tensor, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=self.random, device=self.device)

    def _chance(self, share: float | torch.Tensor, size: int) -> torch.Tensor:
        return self._between(0, 1, size) < share

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.random, device=self.device)


def _hue_rotation(angle: torch.Tensor, luma: torch.Tensor) -> torch.Tensor:
    """Rotations [B,3,3] of RGB about the grey axis that keep brightness (as SVG's feColorMatrix hueRotate has it)."""
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    grey = luma.expand(3, 3)
    turned = torch.tensor([[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]], device=angle.device)
    return grey + cos * (torch.eye(3, device=angle.device) - grey) + sin * turned
