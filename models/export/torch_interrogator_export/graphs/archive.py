"""A TorchScript archive without weights whose bytes depend on the module alone."""

import functools
import io
import re
import zipfile
from collections.abc import Iterable

import torch

from ..errors import ExportError
from .table import is_never_read, module_tensors

# For stack traces in the exporter's own sources, and a random number.
_LEFT_OUT = re.compile(r"\.debug_pkl$|/\.data/serialization_id$")
# The constants of a class come from a set, in an order that changes from process to process.
_CONSTANTS = re.compile(rb"(?:^  \w+ : Final\[.*\n)+", re.MULTILINE)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def empty(module: torch.jit.ScriptModule, names: Iterable[str]) -> torch.jit.ScriptModule:
    """The module itself, with empty tensors in place of those that are named, and equal constants as one tensor."""
    names = set(names)
    constants: list[torch.Tensor] = []
    for name, tensor in module_tensors(module).items():
        if name in names:
            set_tensor(module, name, torch.empty(0))
        elif is_never_read(name):
            set_tensor(module, name, torch.zeros((), dtype=tensor.dtype))
        elif tensor.is_meta:
            raise ExportError(f"{name} of the exported module is neither in the checkpoint nor a constant")
        else:
            same = next((each for each in constants if _are_same(each, tensor)), None)
            if same is None:
                constants.append(tensor)
            else:
                set_tensor(module, name, same)
    return module


def _are_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


def set_tensor(module: torch.nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Puts a tensor in the place of a module's parameter or buffer."""
    *path, last = name.split(".")
    owner = functools.reduce(getattr, path, module)
    is_parameter = last in dict(owner.named_parameters(recurse=False))
    setattr(owner, last, torch.nn.Parameter(tensor, requires_grad=False) if is_parameter else tensor)


def archive(module: torch.jit.ScriptModule) -> bytes:
    """What torch.jit.save writes, but the same for the same module: nothing of this machine, day or process is in it."""
    saved = io.BytesIO()
    torch.jit.save(module, saved)
    result = io.BytesIO()
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            if _LEFT_OUT.search(name):
                continue
            content = source.read(name)
            if name.endswith(".py"):
                content = _CONSTANTS.sub(lambda lines: b"".join(sorted(lines[0].splitlines(keepends=True))), content)
            entry = zipfile.ZipInfo(name, _EPOCH)
            # Else it says which kind of system wrote it.
            entry.create_system, entry.external_attr = 3, 0
            target.writestr(entry, content)
    return result.getvalue()
