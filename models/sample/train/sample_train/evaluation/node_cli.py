"""What the package's own command line answers about images: the evaluation sees what a user would."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from tqdm import tqdm

from ..errors import RecipeError
from ..paths import REPOSITORY, SAMPLE

_MAIN = REPOSITORY / "dist" / "cli" / "main.js"


def captions(folder: Path) -> dict[str, str]:
    """The caption of every image in a folder by its file's stem."""
    lines = _run("interrogate", folder, "--mode", "caption", "--caption", SAMPLE / "caption")
    return {Path(line["image"]).stem: line["prompt"] for line in lines}


def rankings(folder: Path, labels: Sequence[str], top: int) -> dict[str, list[str]]:
    """Of every image the `top` best labels, best first, by its file's stem."""
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "labels.txt"
        file.write_text("".join(f"{label}\n" for label in labels), "utf-8")
        lines = _run("rank", folder, "--labels", file, "--top", str(top))
        return {Path(line["image"]).stem: [entry["label"] for entry in line["ranked"]] for line in lines}


def _run(command: str, folder: Path, *options: object) -> Iterator[dict]:
    """The JSON lines of one command over a folder. Raises RecipeError with what it says when it fails."""
    _set_up()
    fixed = ["--clip", SAMPLE / "clip", "--device", "cpu", "--no-cache", "--json", "--quiet"]
    arguments = [_found("node"), _MAIN, command, folder, *options, *fixed]
    with subprocess.Popen([str(part) for part in arguments], stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        total = len(list(folder.iterdir()))
        for line in tqdm(process.stdout, desc=f"{command} {folder.name}", total=total, mininterval=5):
            answer = json.loads(line)
            if "error" in answer:
                raise RecipeError(f"{answer['image']}: {answer['error']['message']}")
            yield answer
    if process.returncode != 0:
        raise RecipeError(f"torch-interrogator {command} ended with exit code {process.returncode}")


@lru_cache(maxsize=1)
def _set_up() -> None:
    """Builds what changed since it was built; does nothing where nothing did."""
    if (
        subprocess.run(
            [_found("npm"), "run", "--silent", "setup"], cwd=REPOSITORY, check=False, stdout=sys.stderr
        ).returncode
        != 0
    ):
        raise RecipeError("npm run setup failed")


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise RecipeError(f"{program} is not on the PATH; install Node 20.17 or newer")
    return path
