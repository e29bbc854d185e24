"""`python -m torch_interrogator_export.graphs`: the exporter's half of `npm run graphs` (scripts/graphs.mjs)."""

import argparse
import contextlib
import json
import logging
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A model's shape needs nothing from the hub.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import torch
import transformers

from ..bundle import step
from ..errors import ExportError
from . import compare, make, reference, sources, tokenizers
from .blob import from_bytes
from .depth import reduced

# In the folder of a model with fewer layers, its graph, not compressed.
REDUCED_GRAPH = "reduced.graph"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.disable(logging.ERROR)
    transformers.logging.set_verbosity_error()
    torch.set_grad_enabled(False)
    known = sources.graph_names()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no graph {', '.join(unknown)}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    depth = getattr(options, "depth", None)
    names = options.names or known
    options.out.mkdir(parents=True, exist_ok=True)
    if options.command == "make":
        failed = [name for name in names if not _apart(_make, name, options.out)]
        tokenizers.write_all(options.out)
    elif options.command == "reference":
        failed = [name for name in names if not _apart(_reference, name, options.out, options.seed, depth)]
    else:
        failed = [name for name in names if not _apart(_compare, name, options.out, options.seed, depth)]
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torch_interrogator_export.graphs")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("make", help="write graphs, not compressed, and the tokenizers that they name")
    answered = commands.add_parser("reference", help="write seeded weights and the reference's answers, a folder a graph")
    compared = commands.add_parser(
        "compare", help="write those, and how far a graph's modules are from them, a file a graph"
    )
    for command in (made, answered, compared):
        command.add_argument("names", nargs="*", metavar="NAME", help="graphs (default: all)")
        command.add_argument("--out", type=Path, required=True, metavar="DIR")
    for command in (answered, compared):
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--depth", type=int, metavar="N", help="of models cut to N layers, whose graph is written, too")
    return parser


def _make(name: str, out: Path) -> None:
    step(f"making {name}")
    source = sources.source(name)
    blob = make.make_graph(source)
    make.check_graph(source, blob)
    (out / f"{name}.graph").write_bytes(blob)


def _reference(name: str, out: Path, seed: int, depth: int | None) -> None:
    step(f"{name}: the reference's answers")
    with reduced(depth) if depth else contextlib.nullcontext():
        source = sources.source(name)
        reference.write_reference(name, source, out / name, seed)
        if depth:
            (out / name / REDUCED_GRAPH).write_bytes(make.make_graph(source))


def _compare(name: str, out: Path, seed: int, depth: int | None) -> None:
    step(f"comparing {name}")
    with tempfile.TemporaryDirectory(dir=out) as folder, reduced(depth) if depth else contextlib.nullcontext():
        source = sources.source(name)
        blob = make.make_graph(source)
        if depth:
            make.check_graph(source, blob)
        answers = reference.write_reference(name, source, Path(folder), seed)
        result = {"parameters": answers["parameters"]} | compare.compare(from_bytes(blob), Path(folder))
    (out / f"{name}.json").write_text(json.dumps(result) + "\n")
    step(f"{name}: {json.dumps(result)}")
    if not result["passed"]:
        raise ExportError("the graph's modules answer otherwise than the reference")


def _apart(work: Callable[..., None], *arguments: Any) -> bool:
    """Does work in a process of its own, so that TorchScript's names of classes count from the beginning."""
    child = multiprocessing.get_context("fork").Process(target=_guarded, args=(work, *arguments))
    child.start()
    child.join()
    return child.exitcode == 0


def _guarded(work: Callable[..., None], *arguments: Any) -> None:
    try:
        work(*arguments)
    except ExportError as error:
        print(f"✗ {arguments[0]}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
