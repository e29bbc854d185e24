"""Images that options make a difference to, and what Pillow makes of each with that option.

Usage: python reference_options.py OUT
Writes the images, NAME.OPTION.rgb (bytes, row-major) and index.json: [{name, option, width, height}].
`exif`: ImageOps.exif_transpose. `background`: alpha_composite over #336699. `truncated`: LOAD_TRUNCATED_IMAGES.
"""

import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageFile, ImageOps

OUT = Path(sys.argv[1])
BACKGROUND = (0x33, 0x66, 0x99, 255)
FORMATS = {
    "jpg": {"format": "jpeg", "quality": 92},
    "png": {"format": "png"},
    "webp": {"format": "webp", "lossless": True, "exact": True},
    "tif": {"format": "tiff"},
    "avif": {"format": "avif", "quality": 90},
}
RANDOM = np.random.default_rng(5)


def encode(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def smooth(width: int, height: int, channels: int) -> np.ndarray:
    """Soft colours, each channel its own, so that a turn or a swap shows."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127.5 + 110 * np.sin(x / (7 + 3 * c) + y / (11 - 2 * c) + c) for c in range(channels)]
    return np.stack(planes, axis=2).astype(np.uint8)


def oriented() -> dict[str, bytes]:
    files = {}
    image = Image.fromarray(smooth(37, 23, 3))
    for suffix, options in FORMATS.items():
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            if suffix == "tif":
                files[f"turn{orientation}.tif"] = encode(image, **options, tiffinfo={274: orientation})
            else:
                files[f"turn{orientation}.{suffix}"] = encode(image, **options, exif=exif)
    return files


def tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def bmp_with_masks(rgba: np.ndarray, *masks: int) -> bytes:
    """32 bits a pixel, with a mask for each channel; without alpha's the header is of the kind that has none."""
    height, width, _ = rgba.shape
    pixels = sum(
        rgba[..., channel].astype(np.uint32) << (mask.bit_length() - 8) for channel, mask in enumerate(masks) if mask
    )
    body = pixels.astype("<u4").tobytes()
    size = 124 if len(masks) == 4 else 52
    info = struct.pack("<IiiHHIIiiII", size, width, -height, 1, 32, 3, len(body), 0, 0, 0, 0)
    info = (info + struct.pack(f"<{len(masks)}I", *masks)).ljust(size, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + size + len(body), 0, 0, 14 + size) + info + body


def transparent() -> dict[str, bytes]:
    rgba = Image.fromarray(smooth(37, 23, 4))
    rgb = rgba.convert("RGB")
    palette = rgb.quantize(60)
    flat = rgb.quantize(9).convert("RGB")
    files = {
        "rgba.png": encode(rgba, format="png"),
        "la.png": encode(rgba.convert("LA"), format="png"),
        "palette.png": encode(palette, format="png", transparency=bytes(range(0, 240, 4))),
        "palette-one.png": encode(palette, format="png", transparency=3),
        "rgb-one.png": encode(flat, format="png", transparency=flat.getpixel((3, 3))),
        "grey-one.png": encode(rgb.convert("L"), format="png", transparency=rgb.convert("L").getpixel((3, 3))),
        "rgba.webp": encode(rgba, format="webp", lossless=True, exact=True),
        "rgba-lossy.webp": encode(rgba, format="webp", quality=80),
        "rgba.tif": encode(rgba, format="tiff"),
        "rgba.avif": encode(rgba, format="avif", quality=90),
        "one.gif": encode(palette, format="gif", transparency=5),
        "opaque.gif": encode(palette, format="gif"),
        "opaque.jpg": encode(rgb, format="jpeg"),
        "opaque.bmp": encode(rgb, format="bmp"),
    }
    samples = np.asarray(rgba)
    rgb_masks = (0xFF0000, 0xFF00, 0xFF)
    files |= {
        "bgra.bmp": bmp_with_masks(samples, *rgb_masks, 0xFF000000),
        "rgba.bmp": bmp_with_masks(samples, 0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        "abgr.bmp": bmp_with_masks(samples, 0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        "bgrx.bmp": bmp_with_masks(samples, *rgb_masks, 0),
        "no-alpha.bmp": bmp_with_masks(samples, *rgb_masks),
        "one-more.tif": tiff(smooth(37, 23, 5), photometric="rgb", extrasamples=["unassalpha", "unspecified"]),
        "not-alpha.tif": tiff(samples, photometric="rgb", extrasamples=["unspecified"]),
    }
    return {f"alpha-{name}": data for name, data in files.items()}


def png(width: int, height: int, depth: int, color: int, rows: bytes, interlace: int, palette: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    table = [chunk(b"PLTE", palette)] if color == 3 else []
    parts = [chunk(b"IHDR", header), *table, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def filtered_rows(width: int, height: int, bits: int, interlace: int) -> bytes:
    rows = []
    for x, y, step_x, step_y in PASSES if interlace else [(0, 0, 1, 1)]:
        columns = -(-(width - x) // step_x)
        if columns <= 0:
            continue
        for _ in range(y, height, step_y):
            line = RANDOM.integers(0, 256, -(-columns * bits // 8), dtype=np.uint8).tobytes()
            rows.append(bytes([RANDOM.integers(0, 5)]) + line)
    return rows


def short_pngs() -> dict[str, bytes]:
    """Whole files whose pixels end early: after some rows, and inside of one."""
    files = {}
    palette = RANDOM.integers(0, 256, 768, dtype=np.uint8).tobytes()
    for color, samples in {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.items():
        for depth in {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(color, (8, 16)):
            for interlace in (0, 1):
                width, height = (int(n) for n in RANDOM.integers(3, 40, 2))
                rows = filtered_rows(width, height, depth * samples, interlace)
                table = palette[: 3 << depth] if depth < 8 else palette
                name = f"{color}-{depth}-{interlace}"
                whole = b"".join(rows)
                files[f"whole-{name}.png"] = png(width, height, depth, color, whole, interlace, table)
                for share in (0, 0.4, 0.9):
                    kept = b"".join(rows[: int(len(rows) * share)])
                    files[f"short-{name}-{share}.png"] = png(width, height, depth, color, kept, interlace, table)
                half = whole[: len(whole) // 2]
                files[f"short-{name}-inside.png"] = png(width, height, depth, color, half, interlace, table)
    return files


def cut_files() -> dict[str, bytes]:
    """Files that end early."""
    image = Image.fromarray(smooth(90, 70, 3))
    noise = Image.fromarray(RANDOM.integers(0, 256, (70, 90, 3), dtype=np.uint8))
    whole = {
        "base.jpg": encode(image, format="jpeg", quality=90),
        "progressive.jpg": encode(image, format="jpeg", quality=90, progressive=True),
        "noise.png": encode(noise, format="png"),
        "palette.png": encode(noise.quantize(30), format="png"),
        "noise.bmp": encode(noise, format="bmp"),
        "palette.bmp": encode(noise.quantize(30), format="bmp"),
        "noise.gif": encode(noise.quantize(30), format="gif"),
        "strips.tif": encode(noise, format="tiff"),
        "lzw.tif": encode(noise, format="tiff", compression="tiff_lzw"),
        "lossy.webp": encode(image, format="webp"),
    }
    files = {}
    for name, data in whole.items():
        for share in (35, 60, 95):
            files[f"cut{share}-{name}"] = data[: len(data) * share // 100]
    # Its last bytes are a checksum, without which all pixels are there.
    for cut in range(11, 27):
        files[f"end{cut}-noise.png"] = whole["noise.png"][:-cut]
    return files


def transposed(data: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def composed(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), image).convert("RGB")


def best_effort(data: bytes) -> Image.Image:
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def plain(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    pngs = short_pngs()
    cut = cut_files()
    groups = [
        ("exif", transposed, oriented()),
        ("ignore", plain, oriented()),
        ("background", composed, transparent()),
        ("truncated", best_effort, {**pngs, **cut}),
        ("error", plain, {**pngs, **cut}),
    ]
    index = []
    for option, read, files in groups:
        for name, data in files.items():
            (OUT / name).write_bytes(data)
            entry = {"name": name, "option": option}
            try:
                image = read(data)
                entry |= {"width": image.width, "height": image.height}
                (OUT / f"{name}.{option}.rgb").write_bytes(image.tobytes())
            except Exception as error:
                entry["error"] = f"{type(error).__name__}: {error}"
            index.append(entry)
    (OUT / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
