"""Writes what the tests of weights compare with: `python make_weight_cases.py FOLDER`.

One small module as a graph, its weights in every form that publishers use, what torch itself makes of them, and files that
are no weights. A graph is made by hand here, so that each thing that one can say occurs.
"""

import io
import json
import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

SIZES = {
    "embedding.weight": (50, 16),
    "block.in_proj_weight": (48, 16),
    "block.in_proj_bias": (48,),
    "block.conv.weight": (16, 4, 2, 2),
    "projection": (16, 24),
    "scale": (),
}


class Small(torch.nn.Module):
    """Attention's three matrices apart, a convolution as a matrix, a projection turned round, a tied head, a scalar."""

    def __init__(self, state: dict[str, torch.Tensor] | None = None):
        super().__init__()
        of = state or {}
        empty = torch.empty(0)
        self.words = torch.nn.Parameter(of.get("embedding.weight", empty))
        self.head = torch.nn.Parameter(of.get("embedding.weight", empty)) if state is None else self.words
        for index, name in enumerate(("query", "key", "value")):
            rows = slice(16 * index, 16 * index + 16)
            part = torch.nn.Linear(16, 16)
            part.weight = torch.nn.Parameter(of["block.in_proj_weight"][rows] if of else empty)
            part.bias = torch.nn.Parameter(of["block.in_proj_bias"][rows] if of else empty)
            self.add_module(name, part)
        self.patch = torch.nn.Linear(16, 16, bias=False)
        self.patch.weight = torch.nn.Parameter(of["block.conv.weight"].reshape(16, 16) if of else empty)
        self.out = torch.nn.Linear(16, 24, bias=False)
        self.out.weight = torch.nn.Parameter(of["projection"].t().contiguous() if of else empty)
        self.scale = torch.nn.Parameter(of.get("scale", empty))
        self.register_buffer("offset", torch.full((1,), 0.25))

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.nn.functional.embedding(ids, self.words) + self.offset
        x = torch.softmax(self.query(x) @ self.key(x).t(), dim=-1) @ self.value(x)
        x = self.patch(x) * self.scale
        return self.out(x), torch.nn.functional.linear(x, self.head)


def graph(**changes: object) -> bytes:
    archive = io.BytesIO()
    torch.jit.save(torch.jit.script(Small().eval()), archive)
    module = archive.getvalue()
    rows = "block.in_proj_weight", "block.in_proj_bias"
    parameters = [
        {"to": "words", "from": "embedding.weight"},
        {"to": "head", "from": "embedding.weight", "shape": [50, 16]},
        *(
            {"to": f"{name}.{kind}", "from": source, "rows": [16 * index, 16 * index + 16]}
            for index, name in enumerate(("query", "key", "value"))
            for kind, source in zip(("weight", "bias"), rows, strict=True)
        ),
        {"to": "patch.weight", "from": "block.conv.weight", "shape": [16, 16]},
        {"to": "out.weight", "from": "projection", "transpose": True},
        {"to": "scale", "from": "scale"},
    ]
    header = {
        "graphVersion": 1,
        "kind": "clip",
        "manifest": {"name": "small"},
        "modules": {"small.pt": [0, len(module)]},
        "tensors": SIZES,
        "parameters": {"small.pt": parameters},
        "aliases": {"projection": ["proj"]},
        "unused": ["logit_scale", "ignored.*"],
    } | changes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + module


def state_dict() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {name: torch.randn(size, generator=generator) for name, size in SIZES.items()}


def outputs(state: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return Small({name: tensor.float() for name, tensor in state.items()}).eval()(torch.arange(7))


class Attributes(torch.nn.Module):
    """The state dict's names as a module's attributes: what OpenAI's archives look like."""

    def __init__(self, state: dict[str, torch.Tensor]):
        super().__init__()
        nested: dict[str, dict[str, torch.Tensor]] = {}
        for name, tensor in state.items():
            head, _, rest = name.partition(".")
            if rest:
                nested.setdefault(head, {})[rest] = tensor
            else:
                self.register_parameter(head, torch.nn.Parameter(tensor))
        for head, inner in nested.items():
            self.add_module(head, Attributes(inner))
        self.register_buffer("input_resolution", torch.tensor(224))
        self.width = 5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.width


def strided(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same numbers: two tensors over one storage with a gap, one as its transpose, one reversed in its dimensions."""
    weight, bias = state["block.in_proj_weight"], state["block.in_proj_bias"]
    both = torch.cat([torch.zeros(5), weight.flatten(), torch.zeros(3), bias])
    conv = state["block.conv.weight"].permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0)
    return state | {
        "block.in_proj_weight": both[5 : 5 + weight.numel()].view(48, 16),
        "block.in_proj_bias": both[5 + weight.numel() + 3 :],
        "block.conv.weight": conv,
        "projection": state["projection"].t().contiguous().t(),
        "embedding.weight": torch.stack([state["embedding.weight"]] * 2, dim=1)[:, 1],
    }


def training_state(state: dict[str, torch.Tensor]) -> dict[str, object]:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(3))])
    ours = OrderedDict((f"module.{name}", torch.nn.Parameter(tensor)) for name, tensor in state.items())
    ours["module.logit_scale"] = torch.tensor(1.0)
    ours["module.num_batches_tracked"] = torch.tensor(7)
    ours._metadata = {"": {"version": 1}}
    return {
        "epoch": 3, "name": "a", "state_dict": ours, "optimizer": optimizer.state_dict(), "big": 2**80, "raw": b"\xff\0",
        "dtype": torch.float16, "size": torch.Size([2, 3]), "device": torch.device("cpu"),
        "nothing": None, "x": (1.5, -3, {4}, True),
    }  # fmt: skip


def sharded(folder: Path, state: dict[str, torch.Tensor], suffix: str, save: object) -> None:
    folder.mkdir()
    names = list(state)
    files = {f"model-0000{part + 1}-of-00002.{suffix}": names[part::2] for part in range(2)}
    for file, held in files.items():
        save({name: state[name].contiguous() for name in held}, folder / file)
    weight_map = {name: file for file, held in files.items() for name in held}
    (folder / f"model.{suffix}.index.json").write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))


def beyond_four_gigabytes(source: Path, target: Path) -> None:
    """The same archive, the last entries 5 GB behind the first, where 32 bits do not reach. The file has a hole there."""
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as write:
        for index, info in enumerate(read.infolist()):
            if index == 1:
                write.start_dir = 5 << 30
            write.writestr(info.filename, read.read(info))


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/torch-interrogator-was-here",)


def with_pickle(source: Path, target: Path, pickled: bytes, **options: object) -> None:
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as write:
        for info in read.infolist():
            write.writestr(info.filename, pickled if info.filename.endswith("data.pkl") else read.read(info), **options)


def weight_files(folder: Path, state: dict[str, torch.Tensor]) -> None:
    save_file(state, folder / "plain.safetensors", metadata={"format": "pt"})
    for name, dtype in (("half", torch.float16), ("bfloat", torch.bfloat16)):
        save_file({key: tensor.to(dtype) for key, tensor in state.items()}, folder / f"{name}.safetensors")
        torch.save({key: tensor.to(dtype) for key, tensor in state.items()}, folder / f"{name}.bin")
    torch.save(state, folder / "plain.bin")
    torch.save(state, folder / "protocol4.bin", pickle_protocol=4)
    torch.save(strided(state), folder / "strided.bin")
    torch.save(training_state(state), folder / "training.pt")
    renamed = {"proj" if name == "projection" else name: tensor for name, tensor in state.items()}
    save_file(renamed | {"ignored.a.b": torch.ones(2)}, folder / "aliased.safetensors")
    torch.jit.save(torch.jit.script(Attributes(state)), folder / "script.pt")
    halves = {name: tensor.half() for name, tensor in state.items()}
    torch.jit.save(torch.jit.script(Attributes(halves)), folder / "half-script.pt")
    sharded(folder / "shards", state, "safetensors", save_file)
    sharded(folder / "bin-shards", state, "bin", torch.save)
    beyond_four_gigabytes(folder / "plain.bin", folder / "huge.bin")


def other_files(folder: Path, state: dict[str, torch.Tensor]) -> None:
    save_file({name: tensor for name, tensor in state.items() if name != "projection"}, folder / "missing.safetensors")
    save_file(state | {"extra.weight": torch.ones(2, 3)}, folder / "extra.safetensors")
    save_file(state | {"projection": torch.ones(24, 16)}, folder / "shape.safetensors")
    save_file(state | {"projection": torch.ones(16, 24, dtype=torch.int32)}, folder / "type.safetensors")
    torch.save(state, folder / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"a": Evil()}, folder / "evil.bin")
    torch.save(Small(state), folder / "whole.bin")
    torch.save([1, 2], folder / "list.bin")
    with (
        zipfile.ZipFile(folder / "plain.bin") as read,
        zipfile.ZipFile(folder / "deflated.bin", "w", zipfile.ZIP_DEFLATED) as write,
    ):
        for info in read.infolist():
            write.writestr(info.filename, read.read(info))
    with zipfile.ZipFile(folder / "other.zip", "w") as write:
        write.writestr("a/b.txt", "text")
    for name, value in (("eval", eval), ("getattr", getattr)):
        with_pickle(folder / "plain.bin", folder / f"{name}.bin", pickle.dumps({"a": value}, protocol=4))
    circle: dict[str, object] = {}
    circle["a"] = circle
    with_pickle(folder / "plain.bin", folder / "circle.bin", pickle.dumps(circle, protocol=2))
    bomb: dict[str, object] = {}
    for _ in range(60):
        bomb = {"a": bomb, "b": bomb}
    with_pickle(folder / "plain.bin", folder / "bomb.bin", pickle.dumps(bomb, protocol=2))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with torch.no_grad():
        weights = state_dict()
        weight_files(target, weights)
        other_files(target, weights)
        (target / "small.graph").write_bytes(graph())
        (target / "incomplete.graph").write_bytes(
            graph(parameters={"small.pt": [{"to": "words", "from": "embedding.weight"}]})
        )
        (target / "lost.graph").write_bytes(graph(parameters={"small.pt": [{"to": "no.where", "from": "scale"}]}))
        expected = {f"state/{name}": tensor for name, tensor in weights.items()}
        for name, dtype in (("plain", torch.float32), ("half", torch.float16), ("bfloat", torch.bfloat16)):
            first, second = outputs({key: tensor.to(dtype) for key, tensor in weights.items()})
            expected |= {f"{name}/first": first, f"{name}/second": second}
        torch.save(expected, target / "expected.tensors")
