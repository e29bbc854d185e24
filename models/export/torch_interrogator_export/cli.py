"""The command line: `clip` and `caption`. Exit codes: 0 done, 1 failed, 2 the command makes no sense."""

import argparse
import logging
import sys
import traceback
from pathlib import Path

from . import __version__
from .errors import ExportError, UsageError
from .source import Weights, existing


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit code; every failure is one line on stderr."""
    options = build_parser().parse_args(arguments)
    try:
        _run(options)
        return 0
    except (ExportError, UsageError) as error:
        failure, code, message = error, 2 if isinstance(error, UsageError) else 1, str(error)
    except KeyboardInterrupt as error:
        failure, code, message = error, 1, "interrupted; nothing was kept"
    except Exception as error:  # noqa: BLE001  the one place where what nobody foresaw becomes a line
        failure, code = error, 1
        message = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}; run again with --debug for the details"
    if options.debug:
        traceback.print_exception(failure)
    print(f"error: {message}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of both commands."""
    parser = argparse.ArgumentParser(
        prog="torch-interrogator export",
        description="Writes a model as a bundle that torch-interrogator runs without Python.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="clip|caption")
    clip = commands.add_parser("clip", help="an open_clip model", description="Writes an open_clip model as a bundle.")
    clip.add_argument("name", metavar="MODEL/TAG", help="open_clip's name, such as ViT-L-14/openai; the tag may be empty")
    clip.add_argument(
        "--config", metavar="FILE", help="open_clip model config (JSON) of a MODEL that open_clip does not know"
    )
    clip.add_argument(
        "--vocabulary", metavar="DIR", help="folder of term lists to copy, or none (default: clip-interrogator's own)"
    )
    caption = commands.add_parser(
        "caption", help="a captioner", description="Writes a BLIP, BLIP-2 or GIT captioner as a bundle."
    )
    caption.add_argument("name", metavar="NAME", help="such as blip-large or git-large-coco; with --checkpoint any name")
    for command, checkpoint in (
        (clip, "open_clip weights instead of the hub's: a file, or a folder that holds one"),
        (caption, "model folder instead of the hub's: what transformers' from_pretrained(PATH) takes"),
    ):
        command.add_argument("--out", metavar="DIR", type=Path, required=True, help="the bundle's folder")
        weights = command.add_mutually_exclusive_group()
        weights.add_argument("--checkpoint", metavar="PATH", help=checkpoint)
        weights.add_argument("--untrained", action="store_true", help="random weights, the same for the same seed")
        command.add_argument("--seed", metavar="N", type=int, help="seed of --untrained (default 0)")
        command.add_argument("--precision", choices=["fp32", "fp16", "bf16"], default="fp32", help="how weights are stored")
        command.add_argument("--device", default="cpu", metavar="cpu|cuda", help="where the self-check runs (default cpu)")
        command.add_argument("--debug", action="store_true", help="show stack traces and library logs")
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.seed is not None and not options.untrained:
        raise UsageError("--seed goes with --untrained")
    checkpoint = existing(options.checkpoint, "--checkpoint") if options.checkpoint else None
    seed = (options.seed or 0) if options.untrained else None
    weights = Weights(checkpoint=checkpoint, seed=seed)
    # open_clip logs a warning for each model without pretrained weights, asked for or not.
    logging.disable(logging.NOTSET if options.debug else logging.ERROR)
    # Here, so that --help and usage errors need no torch.
    import torch

    found = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if options.device not in ["cpu", *found, *(["cuda"] if found else [])]:
        raise UsageError(f"--device {options.device}: torch finds no such device here; it has {', '.join(['cpu', *found])}")
    torch.set_grad_enabled(False)
    shared = (options.name, options.out, weights, options.precision, options.device)
    if options.command == "clip":
        from .clip.export import export_clip

        export_clip(*shared, options.config, options.vocabulary)
    else:
        from .caption.export import export_caption

        export_caption(*shared)
