"""`manifest.json`: what a bundle is and the digest of each of its files (docs/bundle-format.md)."""

import hashlib
import json
from pathlib import Path
from typing import Any

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, kind: str, name: str, precision: str, fields: dict[str, Any]) -> None:
    """Writes the manifest of everything that lies in `folder`; called once all other files are there."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    begin = {"formatVersion": FORMAT_VERSION, "kind": kind, "name": name, "precision": precision}
    text = json.dumps(begin | fields | {"files": files}, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle's folder."""
    return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
