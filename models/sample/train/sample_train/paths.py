"""Where the recipe reads and writes."""

from pathlib import Path

TRAIN = Path(__file__).resolve().parent.parent
SAMPLE = TRAIN.parent
REPOSITORY = SAMPLE.parent.parent
WORK = TRAIN / "work"
# Term lists on their way into the bundle, which keeps the only copy.
VOCABULARY = WORK / "vocabulary"
IMAGES = SAMPLE / "images"
EVALUATION = SAMPLE / "evaluation.json"
