"""Trains the captioner on plain captions, with two extra heads that teach its picture tower what is shown."""

import torch
import torch.nn.functional as F
from transformers import BertTokenizerFast

from .caption_model import CHECKPOINT, MODEL_FOLDER, build_captioner, build_tokenizer, save_captioner
from .captions import plain_caption
from .checkpoints import load_checkpoint
from .icon_names import known_names
from .palette import COLOURS
from .render import Sprites
from .scenes import Batch, Placement, Scene, SceneMaker
from .training import Schedule, run_training

BATCH = 96
# Captions cost as much as pictures do, and the extra heads teach the picture tower without them.
CAPTIONED = 48
LEARNING_RATE = 1.5e-3

# A ViT from scratch has to learn that a moved thing is the same thing; plainer scenes leave it time for the things.
PLACEMENT = Placement(scale=(0.65, 0.95), room=0.4, turned=0.25, two_objects=0.08)


class CaptionerInTraining(torch.nn.Module):
    """The captioner and its extra heads, which end with the training.

    Next-word loss alone says little about the picture in its first thousand steps: most words follow from the words before.
    """

    def __init__(self, names: list[str]):
        super().__init__()
        self.tokenizer = build_tokenizer(names)
        self.captioner = build_captioner(self.tokenizer)
        width = self.captioner.config.vision_config.hidden_size
        self.name_head = torch.nn.Linear(width, len(names))
        self.colour_head = torch.nn.Linear(width, len(COLOURS))

    def loss(self, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """The sum of the caption's, the name's and the colour's cross-entropy."""
        ids = _caption_ids(self.tokenizer, batch.scenes[:CAPTIONED])
        labels = ids.masked_fill(ids == self.tokenizer.pad_token_id, -100)
        patches = self.captioner.vision_model(batch.pixels).last_hidden_state
        output = self.captioner.text_decoder(
            input_ids=ids, attention_mask=(labels != -100).long(), encoder_hidden_states=patches[:CAPTIONED], labels=labels
        )
        seen = patches[:, 1:].mean(1)
        one = batch.single
        name = F.cross_entropy(self.name_head(seen[one]), batch.name_ids[one])
        colour = F.cross_entropy(self.colour_head(seen), batch.colour_ids)
        parts = {"caption": output.loss.item(), "name": name.item(), "colour": colour.item()}
        return output.loss + name + 0.1 * colour, parts


def train_caption(sprites: list[Sprites], schedule: Schedule, seed: int) -> None:
    """Trains by the schedule, going on from the checkpoint where there is one, and writes the model folder."""
    torch.manual_seed(seed)
    names = known_names(sprites)
    model = CaptionerInTraining(names)

    def start(step: int):
        maker = SceneMaker(sprites, names, seed + step, PLACEMENT)
        return lambda: model.loss(maker.batch(BATCH))

    run_training("caption", model, CHECKPOINT, schedule, start, LEARNING_RATE)
    save_captioner(model.captioner, model.tokenizer, MODEL_FOLDER)


def load_captioner(sprites: list[Sprites]) -> CaptionerInTraining:
    """The latest checkpoint in eval mode; also writes its model folder."""
    model = CaptionerInTraining(known_names(sprites))
    load_checkpoint(CHECKPOINT, model)
    save_captioner(model.captioner, model.tokenizer, MODEL_FOLDER)
    return model.eval()


def _caption_ids(tokenizer: BertTokenizerFast, scenes: list[Scene]) -> torch.Tensor:
    """[DEC] caption [SEP], padded: int64 [B, longest]."""
    texts = [plain_caption(scene) for scene in scenes]
    rows = tokenizer(texts, add_special_tokens=False)["input_ids"]
    rows = [[tokenizer.bos_token_id, *row, tokenizer.sep_token_id] for row in rows]
    longest = max(map(len, rows))
    return torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in rows])
