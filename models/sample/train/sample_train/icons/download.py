"""Fetches icon sets and name lists with npm, at pinned versions."""

import json
import shutil
import subprocess
from pathlib import Path

from ..errors import RecipeError
from ..paths import WORK
from .sets import NAME_PACKAGES, IconSet


def fetch_icons(icons: IconSet) -> Path:
    """The folder of an icon set's package."""
    return fetch_package(f"@iconify-json/{icons.package}", icons.version)


def fetch_names(package: str) -> Path:
    """The folder of one of NAME_PACKAGES."""
    return fetch_package(package, NAME_PACKAGES[package])


def fetch_package(name: str, version: str | None) -> Path:
    """An npm package's folder, installed into the work folder unless this version is there; None: any, the newest."""
    folder = WORK / "node_modules" / name
    description = folder / "package.json"
    if description.exists() and version in (None, json.loads(description.read_text("utf-8"))["version"]):
        return folder
    WORK.mkdir(parents=True, exist_ok=True)
    if not (WORK / "package.json").exists():
        (WORK / "package.json").write_text('{"private": true}\n')
    npm = shutil.which("npm")
    if npm is None:
        raise RecipeError("npm is not on the PATH; install Node 20.17 or newer")
    wanted = f"{name}@{version or 'latest'}"
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", wanted]
    done = subprocess.run(command, cwd=WORK, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RecipeError(
            f"npm cannot install {wanted}: is that its name, and can npm be reached?\n{done.stderr.strip()[-600:]}"
        )
    return folder
