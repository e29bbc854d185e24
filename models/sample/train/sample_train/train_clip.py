"""Trains the CLIP: contrast of pictures and prompts, and of pictures and the plain words for what they show."""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP

from .captions import PromptWriter, artist_phrases, colour_phrases, medium_phrases, name_phrase
from .checkpoints import load_checkpoint
from .clip_text import Tokenizer, text_features
from .icon_names import load_keywords
from .icon_sets import TRAINING_SETS
from .paths import CONFIG, WORK
from .render import Sprites
from .scenes import Batch, SceneMaker
from .training import Schedule, run_training

BATCH = 96
NEGATIVE_NAMES = 320
LEARNING_RATE = 2e-3
CHECKPOINT = WORK / "clip.pt"


def build_clip() -> CLIP:
    """The untrained model of config/sample.json."""
    return CLIP(**json.loads((CONFIG / "sample.json").read_text()))


def train_clip(sprites: list[Sprites], names: list[str], schedule: Schedule, seed: int) -> None:
    """Trains by the schedule, going on from the checkpoint where there is one."""
    torch.manual_seed(seed)
    model = build_clip()
    # The backward pass of these convolutions is twice as fast on a CPU with the channels innermost.
    model.visual.to(memory_format=torch.channels_last)

    def start(step: int):
        loss, maker = _Loss(model, names, seed + step), SceneMaker(sprites, names, seed + step)
        return lambda: loss(maker.batch(BATCH))

    def keep_scale() -> None:
        model.logit_scale.clamp_(0, math.log(100))

    run_training("clip", model, CHECKPOINT, schedule, start, LEARNING_RATE, after_step=keep_scale)


class _Loss:
    def __init__(self, model: CLIP, names: list[str], seed: int):
        self.model = model
        self.names = names
        self.random = np.random.default_rng(seed)
        self.writer = PromptWriter(load_keywords(), self.random)
        self.tokenizer = Tokenizer()
        self.mediums = sorted({icons.medium for icons in TRAINING_SETS})
        self.medium_of = torch.tensor([self.mediums.index(icons.medium) for icons in TRAINING_SETS])

    def __call__(self, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        pixels = batch.pixels.contiguous(memory_format=torch.channels_last)
        images = self.model.encode_image(pixels, normalize=True) * self.model.logit_scale.exp()
        prompts = self._encode([self.writer.write(scene) for scene in batch.scenes])
        logits = images @ prompts.T
        rows = torch.arange(len(images))
        contrast = (F.cross_entropy(logits, rows) + F.cross_entropy(logits.T, rows)) / 2

        candidates = self._candidates(batch)
        words = [name_phrase(self.random, self.names[i]) for i in candidates]
        colours, mediums = colour_phrases(self.random), medium_phrases(self.random, self.mediums)
        artists = artist_phrases(self.random, list(TRAINING_SETS))
        labels = self._encode([text.lower() for text in (*words, *colours, *mediums, *artists)])
        name_words, colour_words, medium_words, artist_words = labels.split(
            [len(words), len(colours), len(mediums), len(artists)]
        )
        one = batch.single
        name = F.cross_entropy(images[one] @ name_words.T, rows[one])
        colour = F.cross_entropy(images @ colour_words.T, batch.colour_ids)
        medium = F.cross_entropy(images @ medium_words.T, self.medium_of[batch.set_ids])
        artist = F.cross_entropy(images @ artist_words.T, batch.set_ids)
        loss = 0.5 * contrast + name + 0.2 * (colour + medium + artist)
        parts = {"contrast": contrast, "name": name, "colour": colour, "medium": medium, "artist": artist}
        return loss, {key: value.item() for key, value in parts.items()}

    def _candidates(self, batch: Batch) -> list[int]:
        """The batch's own names first, in its order, then as many random others."""
        own = batch.name_ids.tolist()
        others = np.setdiff1d(np.arange(len(self.names)), own)
        return own + self.random.choice(others, min(NEGATIVE_NAMES, len(others)), replace=False).tolist()

    def _encode(self, texts: list[str]) -> torch.Tensor:
        return text_features(self.model, self.tokenizer(texts))


def load_clip() -> CLIP:
    """The latest checkpoint in eval mode."""
    model = build_clip()
    load_checkpoint(CHECKPOINT, model)
    return model.eval()
