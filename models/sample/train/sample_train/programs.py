"""Programs of Node.js, which this package is built with."""

import subprocess
from pathlib import Path

from .errors import RecipeError


def run_program(*command: object, cwd: Path) -> str:
    """What a program prints on stdout. Raises RecipeError when it fails, having said why on stderr, or is not there."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(words, cwd=cwd, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    except FileNotFoundError as error:
        raise RecipeError(f"{words[0]} is not on the PATH; install Node 20.17 or newer") from error
    except subprocess.CalledProcessError as error:
        raise RecipeError(f"{' '.join(words[:3])} ended with exit code {error.returncode}") from error
