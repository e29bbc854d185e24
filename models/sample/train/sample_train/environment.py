"""The Python that the recipe runs in: the exporter's, and beside it what requirements.txt adds. Standard library only."""

import hashlib
import os
import sys
from pathlib import Path

from .errors import RecipeError
from .paths import REPOSITORY, TRAIN, WORK

sys.path.append(str(REPOSITORY / "models" / "export"))

import environment as exporter

_ENTERED = "SAMPLE_TRAIN_ENTERED"


def enter_environment() -> None:
    """Goes on in the recipe's Python, with the arguments that this one had; makes it first where it is not there yet."""
    if os.environ.get(_ENTERED):
        return
    try:
        python = str(exporter.interpreter())
        path = os.pathsep.join([str(TRAIN), str(install_requirements(python))])
    except exporter.PreparationError as error:
        raise RecipeError(str(error)) from error
    arguments = [python, "-m", "sample_train", *sys.argv[1:]]
    os.execvpe(python, arguments, os.environ | {"PYTHONPATH": path, _ENTERED: "1"})


def install_requirements(python: str) -> Path:
    """The folder of the packages in requirements.txt, installed at the first call."""
    requirements = TRAIN / "requirements.txt"
    folder = WORK / f"packages-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    stamp = folder / exporter.STAMP
    if not stamp.exists():
        # They need nothing that the exporter's environment has not.
        exporter.install(python, requirements, "--quiet", "--no-deps", "--upgrade", "--target", str(folder))
        stamp.touch()
    return folder
