"""What both sides work on besides models: images, and label files of any size."""

import os
from pathlib import Path

import numpy as np
import skimage
from calls import Session, open_rgb
from PIL import Image
from safetensors.numpy import save_file

#: scikit-image's colour photographs.
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "hubble_deep_field.jpg")
IMAGE_SIDE = 512
ROWS_AT_ONCE = 10_000


def make_images(_session: Session, folder: str, count: int, seed: int) -> None:
    """JPEG files of 512 × 512 pixels: parts of photographs, every one another."""
    random = np.random.default_rng(seed)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        photograph = _photograph(PHOTOGRAPHS[number % len(PHOTOGRAPHS)])
        side = int(min(photograph.size) * random.uniform(0.5, 0.9))
        left, top = (int(random.integers(0, extent - side + 1)) for extent in photograph.size)
        part = photograph.crop((left, top, left + side, top + side)).resize((IMAGE_SIDE, IMAGE_SIDE))
        part.save(target / f"{number:03}.jpg", quality=92)


def make_large_images(_session: Session, folder: str, width: int, height: int) -> dict[str, str]:
    """One photograph of width × height pixels as JPEG, PNG and TIFF. File names by format."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = {kind: target / f"{width}x{height}.{kind}" for kind in ("jpeg", "png", "tiff")}
    if not all(file.exists() for file in files.values()):
        photograph = _photograph("hubble_deep_field.jpg").resize((width, height))
        for file in files.values():
            photograph.save(file)
    return {kind: str(file) for kind, file in files.items()}


def _photograph(name: str) -> Image.Image:
    return open_rgb(str(Path(skimage.__file__).parent / "data" / name))


def write_random_labels(_session: Session, file: str, rows: int, dim: int, seed: int) -> None:
    """Embeddings in clip-interrogator's cache format, unit rows of random direction."""
    random = np.random.default_rng(seed)
    embeds = np.empty((rows, dim), np.float16)
    for start in range(0, rows, ROWS_AT_ONCE):
        piece = random.standard_normal((min(ROWS_AT_ONCE, rows - start), dim), dtype=np.float32)
        embeds[start : start + ROWS_AT_ONCE] = piece / np.linalg.norm(piece, axis=1, keepdims=True)
    save_file({"embeds": embeds, "hash": np.full(64, ord("0"), np.int8)}, file)
    # Else the system writes it back while it is measured.
    with open(file, "rb") as written:
        os.fsync(written.fileno())
