"""Makes a graph, and checks it against an export of the same model with random numbers for weights."""

import io
import json
from collections.abc import Callable, Container, Iterator

import torch
from torch import nn

from ..bundle import stored
from ..caption.families import FAMILIES
from ..clip import operators  # noqa: F401  text.pt calls interrogator::tree_attention
from ..clip.text import BIDIRECTIONAL
from ..clip.tree import build_tree
from ..errors import ExportError
from . import table
from .archive import archive, empty, set_tensor
from .blob import Graph, from_bytes, to_bytes
from .sources import Source

# Modules of more are compared tensor by tensor and not run.
_RUN_BELOW = 200_000_000
# Of a larger model not all tensors are in memory at once.
_NUMBERS_AT_ONCE = 400_000_000


def make_graph(source: Source) -> bytes:
    """The graph of a model, not compressed. The model itself is made without memory."""
    model = source.make("meta")
    checkpoint = table.checkpoint_tensors(model)
    parts = source.parts(model)
    parameters = {name: table.find_sources(part, checkpoint) for name, part in parts.items()}
    read = {entry["from"] for entries in parameters.values() for entry in entries}
    other_names = table.other_names(checkpoint)
    aliases = {name: [*other_names.get(name, ())] for name in checkpoint if name in read}
    for name, others in source.aliases(model).items():
        if name in read:
            aliases[name] += others
    known = {other for others in aliases.values() for other in others}
    unused = [name for name in checkpoint if name not in read and name not in known]
    forgotten = [name for name in unused if not (table.is_never_read(name) or table.fits_any(name, source.unused))]
    if forgotten:
        raise ExportError(f"no module reads {', '.join(forgotten[:3])} of the checkpoint ({len(forgotten)} in all)")
    patterns = [name for name in source.unused if "*" in name]
    archives = {
        name: archive(empty(torch.jit.script(part), [entry["to"] for entry in parameters[name]]))
        for name, part in parts.items()
    }
    header = {
        "kind": source.kind,
        "manifest": source.manifest(model),
        "config": source.config,
        "tensors": {name: list(tensor.shape) for name, tensor in checkpoint.items() if name in read},
        "parameters": parameters,
        "aliases": {name: others for name, others in aliases.items() if others},
        "unused": [*dict.fromkeys([*(name for name in unused if not table.fits_any(name, patterns)), *source.unused])],
    }
    return to_bytes(header, archives)


def check_graph(source: Source, blob: bytes, seed: int = 0) -> None:
    """ExportError unless a checkpoint of random numbers, taken as the graph says, is what an export makes of it.

    Every tensor is compared bit for bit; where the model is small, so are the answers of the modules.
    """
    graph = from_bytes(blob)
    tensors = table.checkpoint_tensors(source.make("meta"))
    if sum(tensor.numel() for tensor in tensors.values()) >= _RUN_BELOW:
        for names in _groups(tensors):
            _check_tensors(source, graph, seed, names)
        return
    model = source.make("meta")
    checkpoint = random_checkpoint(model, seed)
    model.load_state_dict(checkpoint, strict=True, assign=True)
    for name, part in source.parts(model).items():
        exported = stored(torch.jit.script(part), "fp32")
        _compare_tensors(name, graph, checkpoint, exported)
        loaded = filled(graph, name, checkpoint.__getitem__)
        for ours, theirs in zip(run(name, loaded, graph), run(name, exported, graph), strict=True):
            if not (ours.isfinite().all() and torch.equal(ours, theirs)):
                raise ExportError(f"{name} of the graph answers otherwise than an exported one")


def _check_tensors(source: Source, graph: Graph, seed: int, names: set[str]) -> None:
    """The comparison of tensors for those that come from some tensors of the checkpoint, and for constants."""
    model = source.make("meta")
    checkpoint = random_checkpoint(model, seed, names)
    model.load_state_dict(checkpoint, strict=False, assign=True)
    for name, part in source.parts(model).items():
        _compare_tensors(name, graph, checkpoint, part)


def _groups(tensors: dict[str, torch.Tensor]) -> Iterator[set[str]]:
    """Names of tensors, as many as are in memory at once; names of a tied tensor stay together."""
    group: set[str] = set()
    numbers = 0
    names_of: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        names_of.setdefault(table.storage(tensor), []).append(name)
    for names in names_of.values():
        if group and numbers + tensors[names[0]].numel() > _NUMBERS_AT_ONCE:
            yield group
            group, numbers = set(), 0
        group |= set(names)
        numbers += tensors[names[0]].numel()
    yield group


def filled(graph: Graph, name: str, read: Callable[[str], torch.Tensor]) -> torch.jit.ScriptModule:
    """A module of a graph with weights in float32, from what `read` gives for the names of the checkpoint's tensors."""
    module = load(graph.modules[name])
    made: dict[str, torch.Tensor] = {}
    for entry in graph.header["parameters"][name]:
        # Tied weights are one tensor here, too.
        key = json.dumps([entry[part] for part in entry if part != "to"])
        if key not in made:
            made[key] = table.take(entry, read(entry["from"])).float()
        set_tensor(module, entry["to"], made[key])
    return module.eval()


def load(content: bytes) -> torch.jit.ScriptModule:
    """A module from its archive."""
    return torch.jit.load(io.BytesIO(content), map_location="cpu")


def random_checkpoint(model: nn.Module, seed: int, names: Container[str] | None = None) -> dict[str, torch.Tensor]:
    """Numbers for each tensor of a model on the meta device, tied ones the same; variances are positive.

    For those that are named, where names are given.
    """
    generator = torch.Generator().manual_seed(seed)
    made: dict[int, torch.Tensor] = {}
    result = {}
    for name, tensor in table.checkpoint_tensors(model).items():
        if names is not None and name not in names:
            continue
        key = table.storage(tensor)
        if key not in made:
            numbers = torch.empty(tensor.shape, dtype=torch.float32).uniform_(-0.1, 0.1, generator=generator)
            if name.endswith("running_var"):
                numbers = numbers.abs_().add_(0.5)
            made[key] = numbers if tensor.is_floating_point() else torch.zeros_like(tensor, device="cpu")
        result[name] = made[key]
    return result


def run(name: str, module: torch.jit.ScriptModule, graph: Graph) -> Iterator[torch.Tensor]:
    """What a module makes of small inputs."""
    manifest = graph.header["manifest"]
    generator = torch.Generator().manual_seed(0)
    if name in ("image.pt", "vision.pt"):
        size = manifest[name.removesuffix(".pt")]["size"]
        yield module(torch.randn(1, 3, *size, generator=generator))
    elif name == "text.pt":
        fields = manifest["text"]
        begin, end = [] if fields["sotId"] is None else [fields["sotId"]], fields["eotId"]
        sequences = [[*begin, 320, 530, end], [*begin, 320, 17, 99, end]]
        if fields["tower"] == BIDIRECTIONAL:
            yield from (module(torch.tensor([sequence])) for sequence in sequences)
            return
        keys, values = module.prefill(torch.tensor(sequences[0][:2]))
        yield keys
        yield module.extend(keys, values, *build_tree(sequences, 2))
    else:
        fields = manifest["decoder"]
        tensor, dimension = next(family.width_of for family in FAMILIES if family.name == manifest["family"])
        width = graph.header["tensors"][tensor][dimension]
        image = torch.randn(1, 5, width, generator=generator)
        cross_keys, cross_values = module.cross(image)
        shape = (fields["layers"], 1, fields["heads"], 8, fields["headDim"])
        keys, values = torch.zeros(shape), torch.zeros(shape)
        yield module.step(torch.tensor([[5, 6, 7]]), 0, keys, values, cross_keys, cross_values)
        yield module.step_each(torch.tensor([[8, 9]]), 3, keys, values, cross_keys, cross_values)


def _compare_tensors(name: str, graph: Graph, checkpoint: dict[str, torch.Tensor], exported: nn.Module) -> None:
    """Compares what comes from the checkpoint's tensors, and the constants."""
    entries = {entry["to"]: entry for entry in graph.header["parameters"][name]}
    constants = table.module_tensors(load(graph.modules[name]))
    theirs = table.module_tensors(exported)
    if set(theirs) != set(constants):
        raise ExportError(f"{name} of the graph has other tensors than an exported one")
    for to, tensor in theirs.items():
        if table.is_never_read(to) or (to in entries and entries[to]["from"] not in checkpoint):
            continue
        ours = table.take(entries[to], checkpoint[entries[to]["from"]]) if to in entries else constants[to]
        # Without numbers it comes from another tensor than the table says.
        same = not tensor.is_meta and tensor.shape == ours.shape and tensor.dtype == ours.dtype
        if not (same and torch.equal(tensor, ours)):
            raise ExportError(f"{to} of {name} is not what the graph takes for it")
