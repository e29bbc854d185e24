"""Where each tensor of an exported module comes from: a tensor of the checkpoint, or a part or another shape of one."""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from ..errors import ExportError

# Counted while training, and read by nothing after it.
_NEVER_READ = "num_batches_tracked"


def checkpoint_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a model under the names of its state dict. Names of a tied tensor hold the same tensor."""
    return model.state_dict(keep_vars=True)


def module_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers of an exported module, tied ones under each of their names."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    return parameters | dict(module.named_buffers(remove_duplicate=False))


def is_never_read(name: str) -> bool:
    """Whether an exported module has a tensor for training's sake alone."""
    return name.rpartition(".")[2] == _NEVER_READ


def fits_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of those that a graph's `unused` says, `*` for any text at one end."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def find_sources(module: nn.Module, checkpoint: Mapping[str, torch.Tensor]) -> list[dict[str, Any]]:
    """An entry of a graph's `parameters` for each tensor of `module` that is a view of the checkpoint's.

    Told by the storage that both share, so it works without memory on the meta device, where every tensor has a storage of
    its own. ExportError for a view that no entry can say, and for a parameter that is no view at all.
    """
    by_storage: dict[int, str] = {}
    for name, tensor in checkpoint.items():
        # Of the names of a tied tensor the first is the one that is read.
        by_storage.setdefault(storage(tensor), name)
    entries = []
    for name, tensor in module_tensors(module).items():
        source = by_storage.get(storage(tensor))
        if is_never_read(name):
            continue
        if source is None and isinstance(tensor, nn.Parameter):
            raise ExportError(f"{name} of the exported module comes from no tensor of the checkpoint")
        if source is not None:
            entries.append({"to": name, "from": source} | _view(name, tensor, source, checkpoint[source]))
    return entries


def take(entry: Mapping[str, Any], tensor: torch.Tensor) -> torch.Tensor:
    """What an entry makes of its tensor of the checkpoint: the definition that the core follows."""
    if "rows" in entry:
        begin, end = entry["rows"]
        tensor = tensor[begin:end]
    if entry.get("transpose"):
        tensor = tensor.t().contiguous()
    if "shape" in entry:
        tensor = tensor.reshape(entry["shape"])
    return tensor


def other_names(checkpoint: Mapping[str, torch.Tensor]) -> dict[str, list[str]]:
    """By the name of a tied tensor that is read, its other names: a file may hold any of them, or all."""
    first: dict[int, str] = {}
    others: dict[str, list[str]] = {}
    for name, tensor in checkpoint.items():
        read = first.setdefault(storage(tensor), name)
        if read != name:
            others.setdefault(read, []).append(name)
    return others


def storage(tensor: torch.Tensor) -> int:
    """What tensors that share their numbers have in common."""
    # The address of the storage's object: of what lies in it there is none on the meta device.
    return tensor.untyped_storage()._cdata


def _view(name: str, tensor: torch.Tensor, source: str, whole: torch.Tensor) -> dict[str, Any]:
    """What makes `tensor` of `whole`, the two sharing a storage."""
    if not whole.is_contiguous() or whole.storage_offset() != 0:
        raise ExportError(f"{source} of the checkpoint is itself a part of another tensor")
    view: dict[str, Any] = {}
    transposed = not tensor.is_contiguous()
    straight = tensor.t() if transposed and tensor.dim() == 2 else tensor
    per_row = whole[0].numel() if whole.dim() > 0 and whole.shape[0] > 0 else 1
    begin, rest = divmod(tensor.storage_offset(), per_row)
    rows, left = divmod(tensor.numel(), per_row)
    if not straight.is_contiguous() or rest or left:
        raise ExportError(f"{name} of the exported module is a part of {source} that no rows, transposition or shape gives")
    shape = list(whole.shape)
    if tensor.numel() != whole.numel():
        view["rows"] = [begin, begin + rows]
        shape[0] = rows
    if transposed:
        view["transpose"] = True
        if list(straight.shape) != shape:
            raise ExportError(f"{name} of the exported module is {source} in another shape and transposed")
        shape.reverse()
    if list(tensor.shape) != shape:
        view["shape"] = list(tensor.shape)
    return view
