"""What Pillow makes of images with `convert("RGB")`.

Usage: python judge.py FOLDER
Writes NAME.rgb (bytes, row-major) beside each image, and index.json: {name: {width, height} | {error}}. Where EXIF says
that an image lies otherwise, the entry has `upright` of the same form, and NAME.upright.rgb is the image turned.
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageOps


def judge(folder: Path) -> None:
    index = {}
    for file in sorted(folder.iterdir()):
        try:
            with Image.open(file) as image:
                orientation = image.getexif().get(0x0112, 1)
                rgb = image.convert("RGB")
                upright = ImageOps.exif_transpose(image).convert("RGB")
            (folder / f"{file.name}.rgb").write_bytes(rgb.tobytes())
            index[file.name] = {"width": rgb.width, "height": rgb.height}
            if orientation != 1:
                (folder / f"{file.name}.upright.rgb").write_bytes(upright.tobytes())
                index[file.name]["upright"] = {"width": upright.width, "height": upright.height}
        except Exception as error:
            index[file.name] = {"error": f"{type(error).__name__}: {error}"}
    (folder / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


if __name__ == "__main__":
    judge(Path(sys.argv[1]))
