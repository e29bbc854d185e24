"""What the package's own command line answers about images: the evaluation sees what a user would."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import RecipeError
from ..paths import REPOSITORY, SAMPLE
from ..programs import run_program


def captions(folder: Path) -> dict[str, str]:
    """The caption of every image in a folder by its file's stem."""
    answers = _run("interrogate", folder, "--mode", "caption", "--caption", SAMPLE / "caption")
    return {stem: answer["prompt"] for stem, answer in answers.items()}


def rankings(folder: Path, labels: Sequence[str], top: int) -> dict[str, list[str]]:
    """Of every image the `top` best labels, best first, by its file's stem."""
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "labels.txt"
        file.write_text("".join(f"{label}\n" for label in labels), "utf-8")
        answers = _run("rank", folder, "--labels", file, "--top", top)
    return {stem: [entry["label"] for entry in answer["ranked"]] for stem, answer in answers.items()}


def _run(command: str, folder: Path, *options: object) -> dict[str, dict]:
    """The JSON lines of one command over a folder, by the stem of their image. Raises RecipeError where one is an error."""
    fixed = ("--clip", SAMPLE / "clip", "--device", "cpu", "--no-cache", "--json", "--quiet")
    lines = run_program("node", "dist/cli/main.js", command, folder, *options, *fixed, cwd=REPOSITORY).splitlines()
    answers = {Path(answer["image"]).stem: answer for answer in map(json.loads, lines)}
    for answer in answers.values():
        if "error" in answer:
            raise RecipeError(f"{answer['image']}: {answer['error']['message']}")
    return answers
