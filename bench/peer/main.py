"""The peer of the benchmarks: the parity tests' reference, and what is timed of it. One JSON request a line."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "test" / "parity" / "reference"), str(ROOT / "models" / "export")]

from calls import CALLS, Session  # noqa: E402
from machine import describe_machine, machine_rates, set_threads  # noqa: E402
from material import make_images, make_large_images, write_random_labels  # noqa: E402
from server import serve  # noqa: E402
from timed import timed, timed_tokenize  # noqa: E402
from towers import close_tower, open_tower, tower_flops  # noqa: E402
from transformers_clip import make_transformers_clip  # noqa: E402

MEASURING = (timed, timed_tokenize, describe_machine, machine_rates, set_threads)
TOWERS = (open_tower, close_tower, tower_flops)
MATERIAL = (make_images, make_large_images, write_random_labels, make_transformers_clip)

if __name__ == "__main__":
    serve(CALLS | {each.__name__: each for each in MEASURING + TOWERS + MATERIAL}, Session())
