"""Scenes: icons placed on backgrounds of named colours, a batch at a time, with what was drawn on record."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .icon_names import is_mirrorable
from .icon_sets import IconSet
from .palette import COLOURS, PALETTE
from .render import Sprites

IMAGE_SIZE = 64
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)

# White is what most people put an icon on.
_WHITE_SHARE = 0.2
_ONE_COLOUR_SET = "fluent-emoji-high-contrast"


@dataclass
class Scene:
    """What one picture shows. `second` is the right-hand object where there are two."""

    name: str
    icons: IconSet
    colour: str
    second: str | None = None


@dataclass
class Batch:
    """`pixels` float [B,3,64,64], normalised as CLIP does; `scenes[b]` describes row b; ids index the stock's lists."""

    pixels: torch.Tensor
    scenes: list[Scene]
    name_ids: torch.Tensor
    colour_ids: torch.Tensor
    set_ids: torch.Tensor
    single: torch.Tensor


@dataclass(frozen=True)
class Placement:
    """How far objects stray: side as a share of the picture's, of the free room how much is used, how many are turned."""

    scale: tuple[float, float] = (0.5, 1.02)
    room: float = 1.0
    turned: float = 0.5
    two_objects: float = 0.12


class SceneMaker:
    """Draws random batches of the icons called `names` from some sets. Deterministic for a seed."""

    def __init__(self, sprites: list[Sprites], names: list[str], seed: int, placement: Placement = Placement()):
        index = {name: i for i, name in enumerate(names)}
        sprites = [stock.only(names) for stock in sprites]
        self.names = names
        self.icon_sets = [stock.icons for stock in sprites]
        self.pixels = np.concatenate([_premultiplied(stock.pixels) for stock in sprites])
        self.name_of = np.array([index[name] for stock in sprites for name in stock.names])
        self.set_of = np.repeat(np.arange(len(sprites)), [len(stock.names) for stock in sprites])
        self.by_name = [np.flatnonzero(self.name_of == i) for i in range(len(names))]
        self.mirrorable = np.array([is_mirrorable(name) for name in names])
        self.placement = placement
        self.random = np.random.default_rng(seed)

    def batch(self, size: int) -> Batch:
        """A batch whose first objects all have different names."""
        random = self.random
        usable = [i for i, rows in enumerate(self.by_name) if len(rows)]
        name_ids = random.choice(usable, size, replace=False)
        first = np.array([random.choice(self.by_name[i]) for i in name_ids])
        second = np.roll(first, 1)
        double = random.random(size) < self.placement.two_objects
        colour_ids = np.where(random.random(size) < _WHITE_SHARE, 0, random.integers(0, len(COLOURS), size))

        canvas = self._backgrounds(colour_ids)
        dark = canvas.mean(dim=(1, 2, 3)) < 0.45
        scale = np.where(double, random.uniform(0.36, 0.5, size), random.uniform(*self.placement.scale, size))
        room = np.clip(1 - scale, 0, None) * self.placement.room
        x = np.where(double, random.uniform(-0.56, -0.46, size), room * random.uniform(-1, 1, size))
        y = np.where(double, random.uniform(-0.3, 0.3, size), room * random.uniform(-1, 1, size))
        canvas = self._place(canvas, first, scale, x, y, dark)
        two = np.flatnonzero(double)
        if len(two):
            shift = random.uniform(-0.08, 0.08, len(two))
            canvas[two] = self._place(canvas[two], second[two], scale[two], -x[two], y[two] + shift, dark[two])
        canvas = self._spoil(canvas)

        scenes = [
            Scene(
                self.names[self.name_of[first[i]]],
                self.icon_sets[self.set_of[first[i]]],
                COLOURS[colour_ids[i]],
                self.names[self.name_of[second[i]]] if double[i] else None,
            )
            for i in range(size)
        ]
        return Batch(
            (canvas - MEAN) / STD,
            scenes,
            torch.from_numpy(name_ids),
            torch.from_numpy(colour_ids),
            torch.from_numpy(self.set_of[first]),
            torch.from_numpy(~double),
        )

    def _backgrounds(self, colour_ids: np.ndarray) -> torch.Tensor:
        random, size = self.random, len(colour_ids)
        base = np.array([PALETTE[COLOURS[i]] for i in colour_ids]) / 255
        top = torch.from_numpy(base + random.normal(0, 0.02, (size, 3))).float()
        # A gradient stays within what the colour's name still means.
        fade = np.where(random.random((size, 1)) < 0.35, random.uniform(-0.14, 0.14, (size, 1)), 0)
        angle = random.uniform(0, 2 * np.pi, (size, 1, 1))
        grid = np.linspace(-0.5, 0.5, IMAGE_SIZE)
        ramp = np.cos(angle) * grid[None, None, :] + np.sin(angle) * grid[None, :, None] + 0.5
        canvas = top[:, :, None, None] + torch.from_numpy(fade[:, :, None, None] * ramp[:, None]).float()
        return canvas.clamp(0, 1)

    def _place(self, canvas, rows, scale, x, y, dark) -> torch.Tensor:
        """Draws sprite `rows[b]` onto canvas b; scale is of the side, x and y of the half side, from the centre."""
        random, size = self.random, len(rows)
        turn = np.deg2rad(np.where(random.random(size) < self.placement.turned, random.normal(0, 9, size), 0))
        mirror = np.where(self.mirrorable[self.name_of[rows]] & (random.random(size) < 0.35), -1, 1)
        stretch = np.exp(random.normal(0, 0.06, size))
        wide, high = scale * stretch, scale / stretch
        cos, sin = np.cos(turn), np.sin(turn)
        # grid_sample wants the inverse map: from canvas to sprite coordinates.
        matrix = np.stack(
            [
                np.stack([mirror * cos / wide, mirror * sin / wide, -mirror * (cos * x + sin * y) / wide], -1),
                np.stack([-sin / high, cos / high, (sin * x - cos * y) / high], -1),
            ],
            1,
        )
        grid = F.affine_grid(torch.from_numpy(matrix).float(), [size, 1, IMAGE_SIZE, IMAGE_SIZE], align_corners=False)
        layer = F.grid_sample(torch.from_numpy(self.pixels[rows]).float(), grid, align_corners=False) / 255
        alpha = layer[:, 3:]
        colour = torch.bmm(self._restyle(rows, dark), layer.flatten(2)).view(size, 3, IMAGE_SIZE, IMAGE_SIZE)
        return torch.minimum(colour.clamp(min=0), alpha) + canvas * (1 - alpha)

    def _restyle(self, rows: np.ndarray, dark: torch.Tensor) -> torch.Tensor:
        """Colour changes as matrices [B,3,4] on premultiplied RGBA, so that alpha carries the constant part."""
        random, size = self.random, len(rows)
        saturation = np.where(random.random(size) < 0.06, 0, random.uniform(0.7, 1.3, size))
        contrast, brightness = random.uniform(0.75, 1.25, size), random.uniform(-0.1, 0.1, size)
        mix = np.full((3, 3), 1 / 3) * (1 - saturation)[:, None, None] + np.eye(3) * saturation[:, None, None]
        gain = contrast[:, None] * random.normal(1, 0.06, (size, 3))
        restyled = np.concatenate([mix * gain[:, :, None], np.zeros((size, 3, 1))], 2)
        restyled[:, :, 3] = (0.5 - 0.5 * contrast + brightness)[:, None]
        # The one-colour icons are black, or white where the background is dark.
        as_drawn, inverted = np.eye(3, 4), np.concatenate([-np.eye(3), np.ones((3, 1))], 1)
        plain = np.array([self.icon_sets[self.set_of[row]].package == _ONE_COLOUR_SET for row in rows])
        ink = np.where(dark.numpy()[:, None, None], inverted, as_drawn)
        return torch.from_numpy(np.where(plain[:, None, None], ink, restyled)).float()

    def _spoil(self, canvas: torch.Tensor) -> torch.Tensor:
        random, size = self.random, len(canvas)
        soft = np.flatnonzero(random.random(size) < 0.25)
        canvas[soft] = F.avg_pool2d(F.pad(canvas[soft], (1, 1, 1, 1), mode="replicate"), 3, 1)
        noisy = np.flatnonzero(random.random(size) < 0.2)
        noise = torch.Generator().manual_seed(int(random.integers(0, 2**62)))
        canvas[noisy] += 0.04 * torch.randn(canvas[noisy].shape, generator=noise)
        return canvas.clamp(0, 1)


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Straight RGBA [N,H,W,4] as premultiplied [N,4,H,W]: what may be interpolated without dark fringes."""
    alpha = pixels[..., 3:].astype(np.uint16)
    colour = ((pixels[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(np.concatenate([colour, pixels[..., 3:]], 3).transpose(0, 3, 1, 2))
