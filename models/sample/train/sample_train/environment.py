"""The Python that the recipe runs in: the exporter's, and beside it what requirements.txt adds. Standard library only."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from .errors import RecipeError
from .paths import REPOSITORY, TRAIN, WORK

_ENTERED = "SAMPLE_TRAIN_ENTERED"


def enter_environment() -> None:
    """Goes on in the recipe's Python, with the arguments that this one had; makes it first where it is not there yet."""
    if os.environ.get(_ENTERED):
        return
    script = str(REPOSITORY / "models" / "export" / "environment.py")
    made = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        raise SystemExit(made.returncode)
    python = made.stdout.strip().splitlines()[-1]
    path = os.pathsep.join([str(TRAIN), str(install_requirements(python))])
    environment = os.environ | {"PYTHONPATH": path, _ENTERED: "1"}
    arguments = [python, "-m", "sample_train", *sys.argv[1:]]
    os.execve(python, arguments, environment)


def install_requirements(python: str) -> Path:
    """The folder of the packages in requirements.txt, installed at the first call."""
    requirements = TRAIN / "requirements.txt"
    folder = WORK / f"packages-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    stamp = folder / ".complete"
    if not stamp.exists():
        # They need nothing that the exporter's environment has not.
        command = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--upgrade",
            "--target",
            str(folder),
            "-r",
            str(requirements),
        ]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
            raise RecipeError(f"pip could not install {requirements}: run again when its index can be reached")
        stamp.touch()
    return folder
