"""A bundle's folder: written beside its place and moved there only once it is whole and checked."""

import contextlib
import importlib.resources
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import torch

from .errors import ExportError, UsageError

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def step(message: str) -> None:
    """One line of progress on stderr."""
    print(f"- {message}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def new_bundle(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its place when the block ends well, and is removed when it does not.

    A bundle that is already at `out` stays until then, and is put back where the new one cannot take its place. A folder
    there that is no bundle is refused. A link stays one: the folder that it leads to is replaced.
    """
    out = Path(os.path.realpath(out))
    if out.is_file():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "manifest.json").is_file():
        raise UsageError(f"--out {out} holds something that is not a bundle; name a new folder")
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    try:
        yield temporary
        _swap(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(new: Path, out: Path) -> None:
    replaced = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.replaced")
    try:
        if out.exists():
            out.rename(replaced)
        new.rename(out)
    except BaseException as error:
        # An interruption, too, must not leave the place empty. What the new bundle has not taken, the old one has again.
        kept = replaced.exists() or out.exists()
        if replaced.exists() and not out.exists():
            os.rename(replaced, out)
        if not isinstance(error, OSError):
            raise
        raise ExportError(
            f"the new bundle cannot take its place at {out}: {error.strerror}"
            + ("; the bundle that was there is as before" if kept else "")
        ) from error
    finally:
        if out.exists():
            shutil.rmtree(replaced, ignore_errors=True)


def save_module(module: torch.jit.ScriptModule, path: Path, precision: str) -> None:
    """Saves a scripted module with its floating weights stored in `precision`, on no device but the CPU."""
    step(f"writing {path.name} ({precision})")
    torch.jit.save(stored(module, precision), str(path))


def stored(module: torch.jit.ScriptModule, precision: str) -> torch.jit.ScriptModule:
    """The module itself as it is saved: its weights on the CPU, in `precision`, each in the order of its own shape."""
    module = module.cpu().to(PRECISIONS[precision])
    for parameter in module.parameters():
        parameter.requires_grad_(False)
        # Towers take transposed views of their source.
        parameter.data = parameter.data.contiguous()
    return module


def copy_vocabulary(source: str | None, folder: Path) -> list[str]:
    """Copies term lists (`*.txt`) to `folder/vocabulary` and returns their paths in the bundle.

    `source` is a folder, `none`, or None for the lists of the clip-interrogator package.
    """
    if source == "none":
        return []
    origin = Path(source or importlib.resources.files("clip_interrogator") / "data")
    lists = sorted(origin.glob("*.txt")) if origin.is_dir() else []
    if not lists:
        raise UsageError(f"--vocabulary {origin} holds no .txt lists; name a folder that does, or none")
    (folder / "vocabulary").mkdir()
    for path in lists:
        shutil.copyfile(path, folder / "vocabulary" / path.name)
    return [f"vocabulary/{path.name}" for path in lists]
