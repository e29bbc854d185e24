"""The stage that trains CLIP's text tower, after the image tower."""

import numpy as np
import torch

from ..stock import Stock
from ..training import run_training
from .image_tower import CHECKPOINT as IMAGE_CHECKPOINT
from .image_tower import load_image_tower
from .text_tower import CHECKPOINT, LEARNING_RATE, TextTower

# Scenes a step; names and phrases come beside them.
BATCH = 64


def train_text(stock: Stock, steps: int) -> None:
    """Trains the tower beside the image tower, which stays as it is."""
    torch.manual_seed(stock.seed)
    images = load_image_tower(len(stock.names)).to(stock.device)
    model = TextTower(images, stock.names, stock.seed).to(stock.device)

    def start(step: int):
        maker = stock.scenes(step)
        model.random = np.random.default_rng(stock.seed + step)
        return lambda done: model.loss(maker.batch(BATCH))

    run_training("text tower", model, CHECKPOINT, steps, start, LEARNING_RATE, stock.origin(IMAGE_CHECKPOINT))
