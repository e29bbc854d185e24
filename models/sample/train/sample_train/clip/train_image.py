"""The stages that train CLIP's image tower: first alone, then, once the text tower is there, towards what that says."""

import torch

from ..stock import Stock
from ..training import restore, run_training
from .image_tower import BATCH, CHECKPOINT, LEARNING_RATE, TUNED_CHECKPOINT, ImageTower, load_image_tower
from .text_tower import CHECKPOINT as TEXT_CHECKPOINT
from .text_tower import TextTower

# Until this share of the steps scenes grow harder; from the hardest ones at once a tower learns next to nothing.
EASED = 0.4
# Other scenes than those of the first stage.
_TUNING_SCENES = 10**6


def train_image(stock: Stock, steps: int) -> None:
    """Trains the tower on scenes that grow harder."""
    torch.manual_seed(stock.seed)
    model = ImageTower(len(stock.names)).to(stock.device)

    def start(step: int):
        maker = stock.scenes(step)

        def loss(done: float):
            model.difficulty = maker.difficulty = min(1.0, done / EASED)
            return model.loss(maker.batch(BATCH))

        return loss

    run_training("image tower", model, CHECKPOINT, steps, start, LEARNING_RATE, stock.origin())


def tune_image(stock: Stock, steps: int) -> None:
    """Trains the tower on with the text tower's features as points: where a text missed its point, images follow."""
    torch.manual_seed(stock.seed)
    model = load_image_tower(len(stock.names))
    texts = TextTower(model, stock.names, stock.seed).eval()
    restore(TEXT_CHECKPOINT, texts, "text")
    model.hold_points(*texts.points())
    model.to(stock.device)

    def start(step: int):
        maker = stock.scenes(_TUNING_SCENES + step)
        return lambda done: model.loss(maker.batch(BATCH))

    origin = stock.origin(CHECKPOINT, TEXT_CHECKPOINT)
    run_training("image tower, tuned", model, TUNED_CHECKPOINT, steps, start, LEARNING_RATE, origin)
