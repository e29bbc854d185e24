"""Where the recipe reads and writes."""

from pathlib import Path

TRAIN = Path(__file__).resolve().parent.parent
SAMPLE = TRAIN.parent
REPOSITORY = SAMPLE.parent.parent
WORK = TRAIN / "work"
CONFIG = TRAIN / "config"
VOCABULARY = SAMPLE / "vocabulary"
IMAGES = SAMPLE / "images"
EVALUATION = SAMPLE / "evaluation.json"
