"""Images as a user would have them: icons composed on a background, for the evaluation and for the demo."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from ..icons.render import render_icon
from ..icons.sets import MONOCHROME, icon_set
from ..paths import IMAGES
from .palette import PALETTE

# Sum of red, green and blue.
_DARK = 300


@dataclass(frozen=True)
class Placed:
    """An icon on an image: its side and its centre as shares of the image's side."""

    package: str
    slug: str
    size: float
    x: float = 0.5
    y: float = 0.5


# File name, background, how much darker the background's foot is, and what stands on it.
DEMO = (
    ("apple.png", "yellow", 0.0, (Placed("fluent-emoji", "red-apple", 0.72),)),
    ("rocket.png", "light blue", 0.12, (Placed("noto", "rocket", 0.75),)),
    (
        "cat-and-pizza.png", "light green", 0.0,
        (Placed("twemoji", "cat-face", 0.44, 0.27), Placed("fluent-emoji-flat", "pizza", 0.44, 0.73)),
    ),
)  # fmt: skip


def compose(size: int, colour: str, darker: float, things: tuple[Placed, ...]) -> Image.Image:
    """Icons on a background that fades downwards by `darker` (0 … 1), RGB."""
    fade = 1 - darker * np.linspace(0, 1, size)[:, None, None]
    ground = np.broadcast_to(np.array(PALETTE[colour]) * fade, (size, size, 3))
    image = Image.fromarray(ground.round().astype(np.uint8))
    for thing in things:
        icons = icon_set(thing.package)
        icon = render_icon(icons, thing.slug, round(thing.size * size))
        if icons.medium == MONOCHROME and sum(PALETTE[colour]) < _DARK:
            # Ink that nobody would see there is drawn in white.
            icon = Image.merge("RGBA", (*ImageOps.invert(icon.convert("RGB")).split(), icon.getchannel("A")))
        corner = (round(thing.x * size - icon.width / 2), round(thing.y * size - icon.height / 2))
        image.paste(icon, corner, icon)
    return image


def write_demo_images() -> None:
    """Writes the demo's images, 512 pixels square."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, colour, darker, things in DEMO:
        compose(512, colour, darker, things).save(IMAGES / name, optimize=True)
