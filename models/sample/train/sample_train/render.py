"""Icons as pictures: renders a set's SVGs once and keeps them as one array on disk."""

import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import resvg_py
from PIL import Image
from tqdm import tqdm

from .icon_sets import ALL_SETS, TRAINING_SETS, IconSet
from .paths import WORK

SPRITE_SIZE = 80

# Skin tones and flags multiply the names without adding things to recognise.
_LEFT_OUT = re.compile(r"skin-tone|tone\d|(^|-)(dark|light|medium)$|^flag-|^tone-|regional|^(dark|light|medium)-")


@dataclass
class Sprites:
    """The icons of one set: `names[i]` is drawn in `pixels[i]`, uint8 RGBA, straight alpha, SPRITE_SIZE squared."""

    icons: IconSet
    names: list[str]
    pixels: np.ndarray

    def only(self, names: list[str]) -> "Sprites":
        """Those of its icons that have one of these names."""
        wanted = set(names)
        kept = [i for i, name in enumerate(self.names) if name in wanted]
        return Sprites(self.icons, [self.names[i] for i in kept], self.pixels[kept])


def render_icon(icons: IconSet, name: str, size: int) -> Image.Image:
    """One icon as an RGBA picture with transparent background."""
    return _render(_svg(_read(icons), name), size)


def load_sprites() -> dict[str, Sprites]:
    """The sprites of every set by package, rendered at the first call. Names are words, not slugs."""
    kept = _shared_names()
    return {icons.package: _load_set(icons, kept) for icons in ALL_SETS}


def _shared_names() -> set[str]:
    # A name in a single set teaches that one drawing and cannot be checked on another.
    counts = Counter(name for icons in TRAINING_SETS for name in _read(icons)["icons"] if not _LEFT_OUT.search(name))
    return {name for name, count in counts.items() if count >= 2}


def _load_set(icons: IconSet, kept: set[str]) -> Sprites:
    cache = WORK / "sprites" / f"{icons.package}-{SPRITE_SIZE}.npz"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        collection = _read(icons)
        slugs = sorted(kept & collection["icons"].keys())
        pixels = np.stack(
            [np.asarray(_render(_svg(collection, slug), SPRITE_SIZE)) for slug in tqdm(slugs, desc=icons.package)]
        )
        np.savez(cache, names=np.array(slugs), pixels=pixels)
    stored = np.load(cache)
    return Sprites(icons, [str(slug).replace("-", " ") for slug in stored["names"]], stored["pixels"])


@lru_cache
def _read(icons: IconSet) -> dict:
    return json.loads((WORK / "node_modules" / "@iconify-json" / icons.package / "icons.json").read_text("utf-8"))


def _svg(collection: dict, name: str) -> str:
    icon = collection["icons"][name]
    width = icon.get("width", collection.get("width", 16))
    height = icon.get("height", collection.get("height", 16))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="{box}">{icon["body"]}</svg>'
    )


def _render(svg: str, size: int) -> Image.Image:
    # currentColor, which the one-colour set draws with, is black where nothing sets it.
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    return picture if picture.size == (size, size) else picture.resize((size, size), Image.Resampling.BICUBIC)
