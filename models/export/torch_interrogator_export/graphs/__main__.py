"""`python -m torch_interrogator_export.graphs`: the exporter's half of `npm run graphs` (scripts/graphs.mjs)."""

import argparse
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A model's shape needs nothing from the hub.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import torch
import transformers

from ..bundle import step
from ..errors import ExportError
from . import make, reference, sources, tokenizers


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
    names = options.names or known
    options.out.mkdir(parents=True, exist_ok=True)
    if options.command == "make":
        failed = [name for name in names if not _apart(_make, name, options.out)]
        tokenizers.write_all(options.out)
    else:
        failed = [name for name in names if not _apart(_reference, name, options.out, options.seed)]
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torch_interrogator_export.graphs")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("make", help="write graphs, not compressed, and the tokenizers that they name")
    answered = commands.add_parser("reference", help="write seeded weights and the reference's answers, a folder a graph")
    for command in (made, answered):
        command.add_argument("names", nargs="*", metavar="NAME", help="graphs (default: all)")
        command.add_argument("--out", type=Path, required=True, metavar="DIR")
    answered.add_argument("--seed", type=int, default=0)
    return parser


def _make(name: str, out: Path) -> None:
    step(f"making {name}")
    source = sources.source(name)
    blob = make.make_graph(source)
    make.check_graph(source, blob)
    (out / f"{name}.graph").write_bytes(blob)


def _reference(name: str, out: Path, seed: int) -> None:
    step(f"{name}: the reference's answers")
    reference.write_reference(name, sources.source(name), out / name, seed)


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
