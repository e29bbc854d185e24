"""Fetches the icon sets and the keyword lists with npm, at pinned versions."""

import json
import subprocess

from .icon_sets import ALL_SETS, KEYWORD_PACKAGES
from .paths import WORK


def download() -> None:
    """Installs every package into the work folder; does nothing where they are there already."""
    wanted = {f"@iconify-json/{icons.package}": icons.version for icons in ALL_SETS} | KEYWORD_PACKAGES
    if all((WORK / "node_modules" / package / "package.json").exists() for package in wanted):
        return
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "package.json").write_text(json.dumps({"private": True, "dependencies": wanted}, indent=2))
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=WORK, check=True)
