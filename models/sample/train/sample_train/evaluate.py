"""What the trained pair can do, on pictures that it was not trained on and on those that it was."""

import json

import torch
from PIL import Image
from tqdm import tqdm

from .caption_model import image_processor, write_captions
from .clip_text import Tokenizer, text_features
from .icon_names import known_names, load_keywords
from .icon_sets import HELD_OUT_SET, MEDIUM_STYLES, TRAINING_SETS
from .palette import COLOURS
from .paths import EVALUATION
from .pictures import plain_picture
from .render import Sprites
from .scenes import Placement, SceneMaker
from .train_caption import PLACEMENT, load_captioner
from .train_clip import load_clip

_SEED = 20
_MEDIUMS = sorted(MEDIUM_STYLES)


class Evaluation:
    """Both models, and the measurements on one icon set."""

    def __init__(self, training: list[Sprites]):
        self.known = known_names(training)
        self.clip = load_clip()
        captioner = load_captioner(training)
        self.captioner, self.wordpiece = captioner.captioner, captioner.tokenizer
        self.tokenizer = Tokenizer()
        self.processor = image_processor()
        self.keywords = load_keywords()

    def icon_set(self, stock: Sprites) -> dict[str, float]:
        """Single icons on white, ranked against all known names of their set."""
        stock = stock.only(self.known)
        names = stock.names
        pixels = self._pixels([plain_picture(stock.icons, name) for name in tqdm(names, desc=stock.icons.package)])
        features = torch.cat([self.clip.encode_image(part, normalize=True) for part in pixels.split(128)])
        order = (features @ self._text(names).T).argsort(1, descending=True)
        place = (order == torch.arange(len(names))[:, None]).float().argmax(1)
        medium = (features @ self._text(_MEDIUMS).T).argmax(1) == _MEDIUMS.index(stock.icons.medium)
        captions = [text for part in pixels.split(128) for text in self._captions(part)]
        exact = [self._names(caption, name) for caption, name in zip(captions, names, strict=True)]
        keyword = [self._hits(caption, name) for caption, name in zip(captions, names, strict=True)]
        return {
            "pictures": len(names),
            "nameTop1": _share(place < 1),
            "nameTop5": _share(place < 5),
            "medium": _share(medium),
            "captionName": _share(exact),
            "captionNameOrKeyword": _share(keyword),
            "captionWhiteBackground": _share(["white background" in caption for caption in captions]),
        }

    def scenes(self, stock: Sprites) -> dict[str, float]:
        """Scenes as in training: backgrounds of named colours, and two objects side by side."""
        single = SceneMaker([stock], self.known, _SEED, _placed(two_objects=0)).batch(96)
        captions = self._captions(single.pixels)
        features = self.clip.encode_image(single.pixels, normalize=True)
        colour = (features @ self._text([f"{colour} background" for colour in COLOURS]).T).argmax(1)
        double = SceneMaker([stock], self.known, _SEED + 1, _placed(two_objects=1)).batch(96)
        both = [
            self._hits(caption, scene.name) and self._hits(caption, scene.second or "")
            for caption, scene in zip(self._captions(double.pixels), double.scenes, strict=True)
        ]
        backgrounds = [
            f" {scene.colour} background" in caption for caption, scene in zip(captions, single.scenes, strict=True)
        ]
        return {
            "pictures": 96,
            "captionBackground": _share(backgrounds),
            "clipBackground": _share(colour == single.colour_ids),
            "captionBothObjects": _share(both),
        }

    def _pixels(self, pictures: list[Image.Image]) -> torch.Tensor:
        return self.processor(pictures, return_tensors="pt")["pixel_values"]

    def _text(self, texts: list[str]) -> torch.Tensor:
        return text_features(self.clip, self.tokenizer([text.lower() for text in texts]))

    def _captions(self, pixels: torch.Tensor) -> list[str]:
        return write_captions(self.captioner, self.wordpiece, pixels)

    def _names(self, caption: str, name: str) -> bool:
        return f" {name} " in f" {caption} "

    def _hits(self, caption: str, name: str) -> bool:
        return any(self._names(caption, word) for word in (name, *self.keywords.get(name, [])))


@torch.inference_mode()
def evaluate(sprites: dict[str, Sprites]) -> None:
    """Measures everything, prints it and writes evaluation.json."""
    evaluation = Evaluation([sprites[icons.package] for icons in TRAINING_SETS])
    held_out = sprites[HELD_OUT_SET.package]
    results = {
        "names": len(evaluation.known),
        "heldOut": {HELD_OUT_SET.package: evaluation.icon_set(held_out) | {"scenes": evaluation.scenes(held_out)}},
        "trainedOn": {icons.package: evaluation.icon_set(sprites[icons.package]) for icons in TRAINING_SETS},
    }
    text = json.dumps(results, indent=2)
    EVALUATION.write_text(text + "\n", "utf-8")
    print(text)


def _placed(two_objects: float) -> Placement:
    return Placement(PLACEMENT.scale, PLACEMENT.room, PLACEMENT.turned, two_objects)


def _share(hits: list[bool] | torch.Tensor) -> float:
    return round(float(torch.as_tensor(hits).float().mean()), 3)
