"""A checkpoint that a person names: which file of a folder it is, and what a file that is none is instead."""

import json
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from .errors import ExportError, UsageError

# The first one there is taken. Repositories of open_clip models often hold transformers' own file, too.
_OPEN_CLIP_FILES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
_TRANSFORMERS_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_BIG_VISION = (".npz", ".npy")


def snapshot(folder: Path) -> Path:
    """The model's folder within one of the hub's cache (`models--NAME/snapshots/COMMIT`); any other folder is its own."""
    snapshots = folder / "snapshots"
    if not snapshots.is_dir():
        return folder
    main = folder / "refs" / "main"
    if main.is_file() and (snapshots / main.read_text().strip()).is_dir():
        return snapshots / main.read_text().strip()
    found = [path for path in snapshots.iterdir() if path.is_dir()]
    if len(found) != 1:
        raise UsageError(f"--checkpoint {folder} holds {len(found)} snapshots and no refs/main; name one of {snapshots}")
    return found[0]


def open_clip_weights(path: Path) -> Path:
    """The file of open_clip weights that a file or a folder names; ExportError or UsageError where there is none."""
    file = path
    if path.is_dir():
        folder = snapshot(path)
        named = [folder / name for name in _OPEN_CLIP_FILES if (folder / name).is_file()]
        found = named or sorted(each for each in folder.iterdir() if each.suffix in _SUFFIXES and each.is_file())
        if not found:
            raise UsageError(f"--checkpoint {path} holds no weights: no file that ends in {', '.join(_SUFFIXES)}")
        if not named and len(found) > 1:
            names = ", ".join(each.name for each in found)
            raise UsageError(f"--checkpoint {path} holds several files of weights ({names}); name one of them")
        file = found[0]
    names = [] if file.suffix in _BIG_VISION else tensor_names(file)
    if any(name.startswith(("text_model.", "vision_model.")) for name in names):
        raise ExportError(
            f"{file} is a transformers checkpoint, and this exporter takes open_clip's own; give the file that open_clip"
            f" publishes, such as {_OPEN_CLIP_FILES[0]} or {_OPEN_CLIP_FILES[2]} of the same repository"
        )
    return file


def open_clip_config(path: Path) -> dict[str, Any]:
    """`open_clip_config.json` of a folder: model_cfg and preprocess_cfg. Empty for a file, and where there is none."""
    file = snapshot(path) / "open_clip_config.json" if path.is_dir() else None
    return read_config(file) if file and file.is_file() else {}


def transformers_folder(path: Path) -> Path:
    """The folder of a transformers model, with its weights looked at; ExportError or UsageError where it is none."""
    if path.is_file():
        raise UsageError(f"--checkpoint {path} is a file; name the folder that holds it and its config.json")
    folder = snapshot(path)
    if not (folder / "config.json").is_file():
        if (folder / "open_clip_config.json").is_file():
            raise UsageError(f"--checkpoint {path} is an open_clip model: export clip takes it")
        raise UsageError(f"--checkpoint {path} is no transformers model folder: it has no config.json")
    file = next((folder / name for name in _TRANSFORMERS_FILES if (folder / name).is_file()), None)
    if file is None:
        raise UsageError(f"--checkpoint {path} holds no weights: none of {', '.join(_TRANSFORMERS_FILES)}")
    parts = {file}
    if file.suffix == ".json":
        parts = {folder / name for name in read_config(file).get("weight_map", {}).values()}
    for part in sorted(parts):
        if not part.is_file():
            raise ExportError(f"{part} is missing, and {file.name} names it; get the whole model again")
        tensor_names(part)
    return folder


def read_config(file: Path) -> dict[str, Any]:
    """A JSON object from a file; ExportError, in words, for anything else."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        what = _not_binary(file.read_bytes()[:512])
        if what is None or what.startswith("is JSON"):
            what = f"is no whole JSON ({error}); get it again"
        raise ExportError(f"{file} {what}") from error
    if not isinstance(config, dict):
        raise ExportError(f"{file} holds no JSON object; get it again")
    return config


def tensor_names(file: Path) -> list[str]:
    """Names in a file of weights; none for a pickle of PyTorch's older form, and for one of more than tensors.

    ExportError, in words, where a file holds no weights, or not all of them, or others than its suffix says.
    """
    with file.open("rb") as stream:
        start = stream.read(512)
    named_safetensors, zipped = file.suffix == ".safetensors", start[:4] == b"PK\x03\x04"
    fault = _not_binary(start)
    try:
        if fault:
            pass
        elif zipped and named_safetensors:
            fault = _misnamed("a PyTorch file", ".bin")
        elif named_safetensors:
            with safe_open(file, framework="pt") as tensors:
                return list(tensors.keys())
        elif zipped:
            state = torch.load(file, map_location="cpu", mmap=True, weights_only=True)
            return [str(name) for name in state] if isinstance(state, dict) else []
        elif start[8:9] == b"{":
            fault = _misnamed("a safetensors file", ".safetensors")
        # A pickle, PyTorch's older form, has neither a length nor an end to check.
        elif start[:1] == b"\x80":
            return []
        else:
            fault = "is no checkpoint: neither a PyTorch nor a safetensors file"
    except UnpicklingError:
        return []
    except (SafetensorError, RuntimeError, OSError) as error:
        if "TorchScript" in str(error):
            fault = (
                "is a TorchScript archive, as OpenAI published its models; leave --checkpoint out to get the same weights "
                "from the hub, or give a state dict: torch.save(torch.jit.load(FILE).state_dict(), NEW)"
            )
        else:
            fault = f"is cut off, or no checkpoint: {' '.join(str(error).split())[:200]}; get it again"
    raise ExportError(f"{file} {fault}")


def _not_binary(start: bytes) -> str | None:
    """What the first bytes of a file say where they are no weights."""
    if not start:
        return "is empty: a download that broke off, most likely; get it again"
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself; run git lfs pull in its repository, or download the file"
    text = start.decode("utf-8-sig", errors="replace").lstrip()
    if text[:14].lower().startswith(("<!doctype html", "<html", "<?xml")):
        return "is a web page, what a server shows in place of a file; get it again, with a token if the model needs one"
    if any(not (character.isprintable() or character.isspace()) for character in text[:-3]):
        return None
    if text.startswith(("{", "[")):
        return f"is JSON, not weights: {' '.join(text.split())[:80]}"
    return f"is text, not weights: {' '.join(text.split())[:80]}"


def _misnamed(what: str, suffix: str) -> str:
    return f"is {what} under another name, and the name decides how it is read; let it end in {suffix}"
