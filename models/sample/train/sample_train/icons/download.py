"""Fetches icon sets and name lists with npm, at pinned versions."""

import json
from pathlib import Path

from ..errors import RecipeError
from ..paths import WORK
from ..programs import run_program


def fetch_package(name: str, version: str | None) -> Path:
    """An npm package's folder, installed into the work folder unless this version is there; None: any, the newest."""
    folder = WORK / "node_modules" / name
    description = folder / "package.json"
    if description.exists() and version in (None, json.loads(description.read_text("utf-8"))["version"]):
        return folder
    WORK.mkdir(parents=True, exist_ok=True)
    if not (WORK / "package.json").exists():
        (WORK / "package.json").write_text('{"private": true}\n')
    wanted = f"{name}@{version or 'latest'}"
    try:
        run_program("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", wanted, cwd=WORK)
    except RecipeError as error:
        raise RecipeError(f"npm cannot install {wanted}: is that its name, and can npm be reached?\n{error}") from error
    return folder
