"""Images in every mode and format that we read, and what Pillow makes of each with `convert("RGB")`.

Usage: python reference_zoo.py OUT
Writes the images, NAME.rgb (bytes, row-major) and index.json: {name: {width, height} | {error}}; damaged files included.
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import skimage
import tifffile
from judge import judge
from PIL import Image, ImageCms

OUT = Path(sys.argv[1])
DATA = Path(skimage.__file__).parent / "data"
PHOTOS = [
    "astronaut.png", "coffee.png", "chelsea.png", "ihc.png", "rocket.jpg", "hubble_deep_field.jpg", "retina.jpg",
    "camera.png", "motorcycle_left.png", "page.png", "logo.png", "horse.png", "text.png", "phantom.png", "multipage.tif",
    "multipage_rgb.tif", "no_time_for_that_tiny.gif", "microaneurysms.png", "color.png", "chessboard_GRAY.png",
]  # fmt: skip


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def png(
    width: int, height: int, depth: int, color: int, rows: bytes, *extra: tuple[bytes, bytes], interlace: int = 0
) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    chunks = [
        chunk(b"IHDR", header),
        *(chunk(*e) for e in extra),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def rows16(samples: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)


def packed_rows(values: np.ndarray, depth: int) -> bytes:
    out = []
    for row in values:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        out.append(b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return b"".join(out)


def pngs(photo: Image.Image, random: np.random.Generator) -> dict[str, bytes]:
    small = photo.resize((61, 47))
    rgba = small.copy()
    rgba.putalpha(Image.fromarray(random.integers(0, 256, (47, 61), dtype=np.uint8)))
    palette = small.quantize(200)
    files = {
        "rgb": encode(small, "png"),
        "rgba": encode(rgba, "png"),
        "gray": encode(small.convert("L"), "png"),
        "la": encode(rgba.convert("LA"), "png"),
        "bilevel": encode(small.convert("1"), "png"),
        "palette": encode(palette, "png"),
        "palette-transparent": encode(palette, "png", transparency=7),
        "palette-alpha": encode(palette, "png", transparency=bytes(range(200))),
        "palette4": encode(small.quantize(13), "png", bits=4),
        "palette2": encode(small.quantize(4), "png", bits=2),
        "palette1": encode(small.quantize(2), "png", bits=1),
        "rgb-transparent": encode(small, "png", transparency=(10, 20, 30)),
        "gray-transparent": encode(small.convert("L"), "png", transparency=100),
        "icc": encode(small, "png", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()),
        "gamma": png(3, 1, 8, 2, b"\0" + bytes(range(20, 29)), (b"gAMA", struct.pack(">I", 100000))),
        "orientation7": encode(small, "png", exif=turned(7)),
        "one-pixel": encode(Image.new("RGB", (1, 1), (1, 2, 3)), "png"),
        "strip": encode(small.resize((3001, 1)), "png"),
    }
    gray16 = random.integers(0, 65536, (9, 300), dtype=np.uint16)
    gray16[0, :256] = np.arange(256)
    files["gray16"] = png(300, 9, 16, 0, rows16(gray16))
    files["gray16-transparent"] = png(300, 9, 16, 0, rows16(gray16), (b"tRNS", b"\x00\x64"))
    files["rgb16"] = png(100, 9, 16, 2, rows16(gray16))
    files["la16"] = png(150, 9, 16, 4, rows16(gray16))
    files["rgba16"] = png(75, 9, 16, 6, rows16(gray16))
    for depth in (1, 2, 4):
        values = random.integers(0, 1 << depth, (9, 37))
        files[f"gray{depth}"] = png(37, 9, depth, 0, packed_rows(values, depth))
    return {f"{name}.png": data for name, data in files.items()}


def jpegs(photo: Image.Image) -> dict[str, bytes]:
    odd = photo.resize((251, 187))
    files = {
        "q90": encode(odd, "jpeg", quality=90),
        "444": encode(odd, "jpeg", quality=95, subsampling=0),
        "422": encode(odd, "jpeg", quality=85, subsampling=1),
        "q20": encode(odd, "jpeg", quality=20),
        "progressive": encode(odd, "jpeg", quality=85, progressive=True),
        "gray": encode(odd.convert("L"), "jpeg", quality=85),
        "rotated": encode(odd, "jpeg", quality=85, exif=turned(6)),
        "icc": encode(
            odd, "jpeg", quality=85, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        ),
        "cmyk": encode(odd.convert("CMYK"), "jpeg", quality=90),
        "restart": encode(odd, "jpeg", quality=85, restart_marker_rows=1),
        "keep-rgb": encode(odd, "jpeg", quality=90, keep_rgb=True),
        "tiny": encode(odd.resize((3, 5)), "jpeg", quality=90),
    }
    whole = files["q90"]
    files["trailing-garbage"] = whole + b"\x00\xffgarbage" * 20
    files["no-end-marker"] = whole[:-2]
    for orientation in range(1, 9):
        files[f"orientation{orientation}"] = encode(odd, "jpeg", quality=85, exif=turned(orientation))
    return {f"{name}.jpg": data for name, data in files.items()}


def gif_frame(
    screen: tuple[int, int],
    frame: Image.Image,
    at: tuple[int, int],
    transparent: int | None,
    local: bool,
    interlace: bool = False,
) -> bytes:
    """One indexed frame somewhere on a screen, as Pillow's writer never lays it out."""
    body = encode(frame, "gif", interlace=interlace)
    flags = body[10]
    table = body[13 : 13 + (3 << ((flags & 7) + 1))]
    position = body.index(b",", 13 + len(table))
    descriptor, data = body[position : position + 10], body[position + 10 :]
    image_flags = descriptor[9] | (0x80 | (flags & 7) if local else 0)
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x70 if local else flags, 3, 0)
    if not local:
        out += table
    if transparent is not None:
        out += b"!\xf9\x04" + struct.pack("<BHB", 1, 0, transparent) + b"\0"
    out += b"," + struct.pack("<HH", *at) + descriptor[5:9] + bytes([image_flags])
    return out + (table if local else b"") + data


def gifs(photo: Image.Image) -> dict[str, bytes]:
    small = photo.resize((61, 47)).quantize(64)
    second = photo.resize((61, 47)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize(64)
    animated = encode(small, "gif", save_all=True, append_images=[second, small])
    files = {
        "plain": encode(small, "gif"),
        "interlaced": encode(small, "gif", interlace=True),
        "animated": animated,
        "gray": encode(photo.resize((61, 47)).convert("L"), "gif"),
        "bilevel": encode(photo.resize((61, 47)).convert("1"), "gif"),
        "offset": gif_frame((80, 70), small, (9, 13), None, False),
        "offset-local": gif_frame((80, 70), small, (9, 13), None, True),
        "offset-transparent": gif_frame((80, 70), small, (9, 13), 5, False),
        "offset-local-transparent": gif_frame((80, 70), small, (9, 13), 5, True, True),
        "beyond-the-screen": gif_frame((30, 20), small, (9, 13), None, False),
        "second-frame-cut": animated[: len(animated) * 2 // 3],
        "no-trailer": encode(small, "gif")[:-1],
    }
    return {f"{name}.gif": data for name, data in files.items()}


def bmp(
    width: int, height: int, bits: int, body: bytes, compression: int = 0, palette: bytes = b"", masks: bytes = b""
) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, len(palette) // 4, 0)
    offset = 14 + 40 + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + info + masks + palette + body


def bmps(photo: Image.Image, random: np.random.Generator) -> dict[str, bytes]:
    small = photo.resize((61, 47))
    colors = bytes(random.integers(0, 256, 1024, dtype=np.uint8))
    noise = bytes(random.integers(0, 256, 40000, dtype=np.uint8))
    rle8 = (
        b"\x05\x07\x00\x03\x01\x02\x03\x00\x02\x09\x00\x00"
        + b"\x0a\x05\x00\x00"
        + b"\x00\x02\x02\x01\x03\x04\x00\x00\x0a\x08\x00\x01"
    )
    rle4 = b"\x05\x17\x00\x05\x12\x34\x50\x00\x00\x00" + b"\x0a\x52\x00\x00" + b"\x0a\x31\x00\x01"
    core = struct.pack("<IHHHH", 12, 7, 5, 1, 24)
    files = {
        "rgb": encode(small, "bmp"),
        "gray": encode(small.convert("L"), "bmp"),
        "palette": encode(small.quantize(100), "bmp"),
        "bilevel": encode(small.convert("1"), "bmp"),
        "rgba": encode(small.convert("RGBA"), "bmp"),
        "top-down": bmp(13, -9, 24, noise[: 40 * 9]),
        "bits32": bmp(13, 9, 32, noise[: 52 * 9]),
        "bits16": bmp(13, 9, 16, noise[: 28 * 9]),
        "bits8": bmp(13, 9, 8, noise[: 16 * 9], palette=colors),
        "bits4": bmp(13, 9, 4, noise[: 8 * 9], palette=colors[:64]),
        "bits1": bmp(13, 9, 1, noise[: 4 * 9], palette=colors[:8]),
        "fields565": bmp(13, 9, 16, noise[: 28 * 9], 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)),
        "fields555": bmp(13, 9, 16, noise[: 28 * 9], 3, masks=struct.pack("<III", 0x7C00, 0x3E0, 0x1F)),
        "fields-xbgr": bmp(13, 9, 32, noise[: 52 * 9], 3, masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)),
        "rle8-short": bmp(10, 9, 8, rle8, 1, palette=colors),
        "rle8": bmp(10, 4, 8, rle8, 1, palette=colors),
        "rle4": bmp(10, 3, 4, rle4, 2, palette=colors[:64]),
        "core": b"BM" + struct.pack("<IHHI", 26 + 120, 0, 0, 26) + core + noise[:120],
    }
    # As they lie in memory, without the header of a file.
    bare = ("rgb", "palette", "bilevel", "top-down", "bits16", "bits4", "fields565", "core", "rle8")
    return {f"{name}.bmp": data for name, data in files.items()} | {f"{name}.dib": files[name][14:] for name in bare}


def tiffs(photo: Image.Image, random: np.random.Generator) -> dict[str, bytes]:
    small = photo.resize((61, 47))
    rgba = small.copy()
    rgba.putalpha(Image.fromarray(random.integers(0, 256, (47, 61), dtype=np.uint8)))
    gray16 = Image.fromarray(random.integers(0, 65536, (20, 30), dtype=np.uint16))
    files = {
        "rgb": encode(small, "tiff"),
        "lzw": encode(small, "tiff", compression="tiff_lzw"),
        "deflate": encode(small, "tiff", compression="tiff_adobe_deflate"),
        "packbits": encode(small, "tiff", compression="packbits"),
        "predictor": encode(small, "tiff", compression="tiff_lzw", tiffinfo={317: 2}),
        "rgba": encode(rgba, "tiff"),
        "gray": encode(small.convert("L"), "tiff"),
        "bilevel": encode(small.convert("1"), "tiff"),
        "group4": encode(small.convert("1"), "tiff", compression="group4"),
        "palette": encode(small.quantize(100), "tiff"),
        "cmyk": encode(small.convert("CMYK"), "tiff"),
        "gray16": encode(gray16, "tiff"),
        "jpeg": encode(photo.resize((64, 48)), "tiff", compression="jpeg", quality=90),
        "pages": encode(small, "tiff", save_all=True, append_images=[small.convert("L")]),
        "la": encode(rgba.convert("LA"), "tiff"),
        "float": encode(Image.fromarray(random.random((9, 9), dtype=np.float32) * 300 - 20), "tiff"),
    }
    for orientation in range(1, 9):
        files[f"orientation{orientation}"] = encode(small, "tiff", tiffinfo={274: orientation})
    for kind, options in {"raw": {}, "lzw": {"compression": "tiff_lzw"}, "turned": {"tiffinfo": {274: 6}}}.items():
        files[f"big-{kind}"] = encode(small, "tiff", big_tiff=True, **options)
    files["orientation-lzw"] = encode(small, "tiff", compression="tiff_lzw", tiffinfo={274: 6})
    for name, order in {"little": "<", "big": ">"}.items():
        inks = random.integers(0, 65536, (13, 21, 4), dtype=np.uint16)
        files[f"cmyk16-{name}"] = separated(inks, order)
        spot = random.integers(0, 256, (13, 21, 5), dtype=np.uint8)
        files[f"cmyk-and-spot-{name}"] = separated(spot, order, extrasamples=["unspecified"])
    return {f"{name}.tif": data for name, data in files.items()}


def separated(samples: np.ndarray, order: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, photometric="separated", byteorder=order, **options)
    return buffer.getvalue()


def webps(photo: Image.Image, random: np.random.Generator) -> dict[str, bytes]:
    small = photo.resize((61, 47))
    rgba = small.copy()
    rgba.putalpha(Image.fromarray(random.integers(0, 256, (47, 61), dtype=np.uint8)))
    files = {
        "lossy": encode(small, "webp", quality=80),
        "lossless": encode(small, "webp", lossless=True),
        "lossy-alpha": encode(rgba, "webp", quality=80),
        "lossless-alpha": encode(rgba, "webp", lossless=True, exact=True),
        "animated": encode(small, "webp", save_all=True, append_images=[small.rotate(90)], lossless=True),
        "orientation6": encode(small, "webp", lossless=True, exif=turned(6)),
    }
    return {f"{name}.webp": data for name, data in files.items()}


def avifs(photo: Image.Image, random: np.random.Generator) -> dict[str, bytes]:
    small = photo.resize((61, 47))
    rgba = small.copy()
    rgba.putalpha(Image.fromarray(random.integers(0, 256, (47, 61), dtype=np.uint8)))
    options = {"quality": 90, "subsampling": "4:4:4", "speed": 9}
    files = {
        "rgb": encode(small, "avif", **options),
        "rgba": encode(rgba, "avif", **options),
        "gray": encode(small.convert("L"), "avif", **options),
        "tiles": encode(photo, "avif", **options, tile_rows=1, tile_cols=1),
        "animated": encode(small, "avif", **options, save_all=True, append_images=[small.rotate(90)]),
        "subsampled": encode(photo.resize((250, 186)), "avif", quality=80, speed=9),
    }
    for orientation in range(1, 9):
        files[f"orientation{orientation}"] = encode(small, "avif", **options, exif=turned(orientation))
    return {f"{name}.avif": data for name, data in files.items()}


def damaged(files: dict[str, bytes]) -> dict[str, bytes]:
    out = {}
    for name in (
        "q90.jpg", "progressive.jpg", "rgb.png", "palette.png", "lossy.webp", "lossless.webp", "plain.gif", "rgb.bmp",
        "bits8.bmp", "rgb.tif", "lzw.tif",
    ):  # fmt: skip
        data = files[name]
        stem, _, suffix = name.rpartition(".")
        for share in (30, 60, 97):
            out[f"{stem}-cut{share}.{suffix}"] = data[: len(data) * share // 100]
        flipped = bytearray(data)
        for position in range(len(data) // 2, len(data) // 2 + 12):
            flipped[position] ^= 0x55
        out[f"{stem}-flipped.{suffix}"] = bytes(flipped)
    return out


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    photo = Image.open(DATA / "astronaut.png").convert("RGB")
    files = {f"photo-{name}": (DATA / name).read_bytes() for name in PHOTOS if (DATA / name).is_file()}
    for group in (
        pngs(photo, random), jpegs(photo), gifs(photo), bmps(photo, random), tiffs(photo, random), webps(photo, random),
        avifs(photo, random),
    ):  # fmt: skip
        files.update(group)
    files.update(damaged(files))
    for name, data in files.items():
        (OUT / name).write_bytes(data)
    judge(OUT)


if __name__ == "__main__":
    main()
