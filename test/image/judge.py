"""What Pillow makes of images with `convert("RGB")`.

Usage: python judge.py FOLDER
Writes NAME.rgb (bytes, row-major) beside each image, and index.json: {name: {width, height, mode} | {error}}.
"""

import json
import sys
from pathlib import Path

from PIL import Image


def judge(folder: Path) -> None:
    index = {}
    for file in sorted(folder.iterdir()):
        try:
            with Image.open(file) as image:
                mode = image.mode
                rgb = image.convert("RGB")
            (folder / f"{file.name}.rgb").write_bytes(rgb.tobytes())
            index[file.name] = {"width": rgb.width, "height": rgb.height, "mode": mode}
        except Exception as error:
            index[file.name] = {"error": f"{type(error).__name__}: {error}"}
    (folder / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


if __name__ == "__main__":
    judge(Path(sys.argv[1]))
