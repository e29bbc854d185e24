"""Trains the captioner on plain captions; extra heads teach its image tower what is shown, CLIP's tower guides it."""

import torch
import torch.nn.functional as F

from ..captions import SceneWriter
from ..clip.config import build_clip
from ..clip.image_tower import CHECKPOINT as IMAGE_CHECKPOINT
from ..clip.image_tower import ImageTower, load_image_tower
from ..drawing.painter import Placement
from ..drawing.palette import COLOURS
from ..drawing.scenes import Batch
from ..icons.sets import MEDIUMS
from ..stock import Stock
from ..training import restore, run_training
from .guides import Guides, Teacher
from .model import CHECKPOINT, build_captioner, build_tokenizer, save_captioner

BATCH = 96
LEARNING_RATE = 1.5e-3
EASED = 0.4

# A ViT from scratch has to learn that a moved thing is the same thing; plainer scenes leave it time for the things.
PLACEMENT = Placement(scale=(0.65, 0.98), room=0.5, turned=0.3, warped=0.5, two_objects=0.75)


class CaptionerInTraining(torch.nn.Module):
    """The captioner and its extra heads, which end with the training.

    Next-word loss alone says little about the image in its first thousand steps: most words follow from the words before.
    """

    def __init__(self, names: tuple[str, ...], teacher: ImageTower | None = None):
        super().__init__()
        self.writer = SceneWriter(names)
        self.tokenizer = build_tokenizer(self.writer.caption_words())
        self.captioner = build_captioner(self.tokenizer)
        width = self.captioner.config.vision_config.hidden_size
        self.name_head = torch.nn.Linear(width, len(names))
        self.colour_head = torch.nn.Linear(width, len(COLOURS))
        self.medium_head = torch.nn.Linear(width, len(MEDIUMS))
        self.guides = Guides(width, Teacher.sizes(build_clip().visual))
        # A list hides the teacher from parameters().
        self._teacher = [Teacher(teacher)] if teacher else []

    def loss(self, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """The sum of the caption's, the names', the colour's and the medium's cross-entropy."""
        output = self.captioner.vision_model(batch.pixels, output_hidden_states=True)
        patches = output.last_hidden_state
        caption = self._caption_loss(batch, patches)
        name = self._name_loss(batch, patches[:, 1:])
        seen = patches[:, 1:].mean(1)
        colour = F.cross_entropy(self.colour_head(seen), batch.colour_ids.to(seen.device))
        medium = F.cross_entropy(self.medium_head(seen), batch.medium_ids.to(seen.device))
        guide = self.guides.loss(output, *self._teacher[0].maps(batch.pixels))
        parts = {"caption": caption, "name": name, "colour": colour, "medium": medium, "guide": guide}
        loss = 3 * caption + name + 0.1 * colour + 0.05 * medium + 2 * guide
        return loss, {key: part.item() for key, part in parts.items()}

    def _caption_loss(self, batch: Batch, patches: torch.Tensor) -> torch.Tensor:
        # [DEC] caption [SEP], padded.
        ids = self.tokenizer(self.writer.captions(batch), padding=True, return_tensors="pt").input_ids.to(patches.device)
        ids[:, 0] = self.tokenizer.bos_token_id
        labels = ids.masked_fill(ids == self.tokenizer.pad_token_id, -100)
        return self.captioner.text_decoder(
            input_ids=ids, attention_mask=(labels != -100).long(), encoder_hidden_states=patches, labels=labels
        ).loss

    def _name_loss(self, batch: Batch, patches: torch.Tensor) -> torch.Tensor:
        """Of a single thing by all patches, of two by the left and the right half's."""
        side = int(patches.shape[1] ** 0.5)
        columns = patches.unflatten(1, (side, side)).mean(1)
        left, right = columns[:, : side // 2].mean(1), columns[:, side // 2 :].mean(1)
        two = batch.second_ids >= 0
        first_ids, second_ids = batch.name_ids.to(patches.device), batch.second_ids[two].to(patches.device)
        two = two.to(patches.device)
        first = torch.where(two[:, None], left, columns.mean(1))
        logits = self.name_head(torch.cat([first, right[two]]))
        return F.cross_entropy(logits, torch.cat([first_ids, second_ids]), label_smoothing=0.05)


def train_caption(stock: Stock, steps: int) -> None:
    """Trains the captioner on scenes that grow harder."""
    torch.manual_seed(stock.seed)
    teacher = load_image_tower(len(stock.names)).to(stock.device)
    model = CaptionerInTraining(stock.names, teacher).to(stock.device)

    def start(step: int):
        maker = stock.scenes(step, PLACEMENT)

        def loss(done: float):
            maker.difficulty = min(0.75, 0.15 + 0.6 * done / EASED)
            return model.loss(maker.batch(BATCH))

        return loss

    run_training("captioner", model, CHECKPOINT, steps, start, LEARNING_RATE, stock.origin(IMAGE_CHECKPOINT))


def write_captioner(names: tuple[str, ...]) -> None:
    """Writes the model folder of the latest checkpoint."""
    model = CaptionerInTraining(names)
    restore(CHECKPOINT, model, "caption")
    save_captioner(model.captioner, model.tokenizer)
