"""What Pillow, torchvision and open_clip make of random images: one folder of cases for image_transform_test.cc.

usage: image_transform_cases.py FOLDER COUNT SEED. For case i it writes i.txt (width height targetHeight targetWidth
interpolation resizeMode fill, then mean and std), i.rgb (the image), i.u8 (the 8-bit window, RGB) and i.f32 (the model's
input).
"""

import random
import sys
from pathlib import Path

import numpy as np
from open_clip.transform import image_transform
from PIL import Image
from torchvision.transforms import Compose, Normalize

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
SIZES = [
    (1, 1),
    (1, 50),
    (50, 1),
    (2000, 50),
    (50, 2000),
    (224, 224),
    (224, 300),
    (223, 225),
    (640, 427),
    (3, 700),
    (32, 33),
    (225, 224),
]


def make_image(width, height, kind):
    if kind == 0:
        return np.random.randint(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == 1:  # only extremes: overshoot is clipped
        return np.random.randint(0, 2, (height, width, 3), dtype=np.uint8) * 255
    ramp = np.linspace(0, 255, width)[None, :, None] * np.linspace(0.2, 1, height)[:, None, None] * np.array([1, 0.7, 0.4])
    return ramp.astype(np.uint8)


def main(folder, count, seed):
    random.seed(seed)
    np.random.seed(seed)
    for index in range(count):
        width, height = SIZES[index] if index < len(SIZES) else (random.randint(1, 700), random.randint(1, 700))
        target = random.choice([(224, 224), (32, 32), (33, 33), (64, 48), (48, 64), (7, 7), (384, 384)])
        interpolation = random.choice(["bicubic", "bicubic", "bilinear"])
        mode = random.choice(["shortest", "shortest", "longest", "squash"])
        fill = random.choice([0, 0, 127])
        if mode == "longest" and max(width, height) / min(width, height) > 10:
            mode = "squash"  # open_clip itself fails where the short side rounds to 0
        image = make_image(width, height, index % 3)

        transform = image_transform(
            target, is_train=False, mean=MEAN, std=STD, resize_mode=mode, interpolation=interpolation, fill_color=fill
        )
        pil_steps = Compose(
            [
                step
                for step in transform.transforms
                if not isinstance(step, Normalize) and "ToTensor" not in type(step).__name__
            ]
        )
        pil = Image.fromarray(image)
        window = np.asarray(pil_steps(pil))
        pixels = transform(pil).numpy()

        base = Path(folder) / str(index)
        fields = [width, height, target[0], target[1], interpolation, mode, fill, *MEAN, *STD]
        base.with_suffix(".txt").write_text(" ".join(map(str, fields)))
        image.tofile(base.with_suffix(".rgb"))
        np.ascontiguousarray(window).tofile(base.with_suffix(".u8"))
        np.ascontiguousarray(pixels).tofile(base.with_suffix(".f32"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
