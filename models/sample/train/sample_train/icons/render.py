"""Icons as images: renders the sets' SVGs once, in every style, and keeps them as arrays on disk."""

import hashlib
import io
import json
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import resvg_py
from PIL import Image
from tqdm import tqdm

from ..paths import WORK
from .download import fetch_package
from .names import usual_name
from .sets import IconSet
from .styles import AS_DRAWN, Style

SPRITE_SIZE = 72

# Skin tones and flags multiply the names without adding things to recognise.
_LEFT_OUT = re.compile(
    r"skin-tone|tone-?\d|(^|-)(dark|light|medium)$|^flag(-|s?of|s?for)|-flag$|^tone-|regional|^(dark|light|medium)-"
)
# What only sounds like one of these.
_KEPT = re.compile(
    r"^((black|white|crossed|triangular|chequered|checkered|rainbow|pirate|transgender|red)-flags?|flag-in-hole|"
    r"light-(bulb|rail|blue-heart)|police-car-light|(horizontal|vertical)-traffic-light|"
    r"(open|closed)-mailbox-with-(lowered|raised)-flag)$"
)


@dataclass
class Sprites:
    """One set in one style: `pixels[i]` [4, SPRITE_SIZE, SPRITE_SIZE] shows `names[i]`; uint8 premultiplied RGBA."""

    icons: IconSet
    style: Style
    names: list[str]
    pixels: np.ndarray

    @property
    def medium(self) -> str:
        """What an image of one is."""
        return self.style.medium or self.icons.medium


def icon_slugs(icons: IconSet) -> list[str]:
    """The set's distinct names as iconify writes them, sorted; aliases, hidden icons and countries' flags left out."""
    flags = set(_read(icons, "metadata.json").get("categories", {}).get("Flags", []))
    return sorted(
        slug
        for slug, icon in _read(icons)["icons"].items()
        if not icon.get("hidden") and (_KEPT.match(slug) or not (_LEFT_OUT.search(slug) or slug in flags))
    )


def icon_codes(icons: IconSet) -> dict[str, str]:
    """Of every slug its emoji's code points in hexadecimal, as far as the set tells them."""
    return {slug: code for code, slug in _read(icons, "chars.json").items()}


def render_icon(icons: IconSet, slug: str, size: int, style: Style = AS_DRAWN) -> Image.Image:
    """One icon as an RGBA image with transparent background."""
    collection = _read(icons)
    png = resvg_py.svg_to_bytes(svg_string=_svg(collection, slug, style), width=size, height=size, skip_system_fonts=True)
    image = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    if image.size == (size, size):
        return image
    # What is not square keeps its shape, in the middle.
    square = Image.new("RGBA", (size, size))
    scale = size / max(image.size)
    image = image.resize(tuple(max(1, round(side * scale)) for side in image.size), Image.Resampling.BICUBIC)
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def load_sprites(icons: IconSet, style: Style) -> Sprites:
    """A set in one style, rendered at the first call, then mapped from disk."""
    slugs = icon_slugs(icons)
    # Other names or another style sheet make another file.
    drawn = hashlib.sha256(json.dumps([slugs, style.sheet(1), SPRITE_SIZE]).encode()).hexdigest()[:8]
    file = WORK / "sprites" / f"{icons.package}-{icons.version}" / f"{style.name}-{drawn}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        bar = tqdm(slugs, desc=f"{icons.package} {style.name}", mininterval=5)
        pixels = np.stack([_premultiplied(render_icon(icons, slug, SPRITE_SIZE, style)) for slug in bar])
        part = file.with_suffix(".part.npy")
        np.save(part, pixels)
        part.rename(file)
    return Sprites(icons, style, [usual_name(in_words(slug)) for slug in slugs], np.load(file, mmap_mode="c"))


def in_words(slug: str) -> str:
    """`red-apple` → `red apple`."""
    return slug.replace("-", " ")


@lru_cache
def _read(icons: IconSet, file: str = "icons.json") -> dict:
    """A file of the set's package, fetched where it is missing; empty where the package has none."""
    path = fetch_package(f"@iconify-json/{icons.package}", icons.version) / file
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def _svg(collection: dict, slug: str, style: Style) -> str:
    icon = collection["icons"][slug]
    width = icon.get("width", collection.get("width", 16))
    height = icon.get("height", collection.get("height", 16))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    sheet = style.sheet(max(width, height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="{box}"><style>{sheet}</style>{icon["body"]}</svg>'
    )


def _premultiplied(image: Image.Image) -> np.ndarray:
    """RGBA as [4, H, W] whose colours may be interpolated without dark fringes."""
    pixels = np.asarray(image).astype(np.uint16)
    alpha = pixels[..., 3:]
    colour = (pixels[..., :3] * alpha + 127) // 255
    return np.concatenate([colour, alpha], 2).astype(np.uint8).transpose(2, 0, 1)
