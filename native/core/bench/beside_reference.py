"""The native benchmarks beside the Python reference, in one run: `python beside_reference.py --device cuda:0`.

For a machine without Node: needs cmake, ninja, a C++ compiler, on CUDA nvcc, and a Python with torch, transformers and
open_clip. Exports ViT-L-14 and blip-large with seeded random weights (kept in --work), builds native/core, runs its tests,
then its benchmarks, then the same work in open_clip and transformers. Writes the rows of both as JSON. Whole modes and load
need Node: `npm run bench`.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parents[3]
EXPORTER = REPOSITORY / "models" / "export"
SEED = 5
CANDIDATES, CONTEXT, SOT, EOT = 2014, 77, 49406, 49407
# The reference ranks candidates in one batch; a part of them is enough to know what one costs.
REFERENCE_CANDIDATES = 256


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--model", default="ViT-L-14")
    parser.add_argument("--caption", default="blip-large", choices=["blip-base", "blip-large"])
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build" / "bench-native")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip-tests", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)

    clip, caption = export(options, "clip", f"{options.model}/"), export(options, "caption", options.caption)
    program = build(options)
    if not options.skip_tests:
        run(["ctest", "--test-dir", program.parent, "--output-on-failure"])
    ours = options.work / "ours.json"
    common = ["--device", options.device, "--samples", options.samples, "--clip", clip, "--caption", caption]
    run([program, *common, "--json", ours])
    rows = [row | {"machine": machine(options.device)} for row in json.loads(ours.read_text())]
    write(rows, options.json)  # kept, whatever becomes of the reference
    peers = reference(options)
    for row in rows:
        if row["name"] in peers:
            row |= {"peer_s": peers[row["name"]], "ratio": peers[row["name"]] / row["ours_s"]}
    write(rows, options.json)
    for row in rows:
        if row["ratio"]:
            print(f"{row['name']:40} ours {row['ours_s']:9.4f} s   reference {row['peer_s']:9.4f} s   {row['ratio']:7.1f} x")
    return 0


def write(rows: list[dict], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(rows, indent=1) + "\n")


def export(options: argparse.Namespace, kind: str, name: str) -> Path:
    bundle = options.work / name.strip("/")
    if not (bundle / "manifest.json").exists():
        exporter = [sys.executable, "-m", "torch_interrogator_export", kind, name]
        settings = ["--untrained", "--seed", SEED, "--out", bundle, *(["--vocabulary", "none"] if kind == "clip" else [])]
        python_path = os.pathsep.join(filter(None, [str(EXPORTER), os.environ.get("PYTHONPATH")]))
        run([*exporter, *settings], PYTHONPATH=python_path)
    return bundle


def build(options: argparse.Namespace) -> Path:
    folder = options.work / "core"
    settings = {
        "LIBTORCH_DIR": Path(torch.__file__).parent,
        "INTERROGATOR_BENCH": "ON",
        "INTERROGATOR_TESTS": "OFF" if options.skip_tests else "ON",
        "INTERROGATOR_PYTHON": sys.executable,
        "INTERROGATOR_CUDA": "ON" if options.device.startswith("cuda") else "AUTO",
    }
    flags = [f"-D{name}={value}" for name, value in settings.items()]
    run(["cmake", "-S", REPOSITORY / "native" / "core", "-B", folder, "-G", "Ninja", *flags])
    run(["cmake", "--build", folder])
    return folder / "interrogator_core_bench"


class Reference:
    """What open_clip and transformers take for the same work: seconds by the name of our row."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.device = torch.device(options.device)
        # As clip-interrogator does: float16 on CUDA.
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        self.seconds: dict[str, float] = {}

    def measure(self, name: str, work, scale: float = 1) -> None:
        samples = []
        for sample in range(self.options.samples + 1):
            started = time.perf_counter()
            work()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            if sample:  # the first warms up
                samples.append((time.perf_counter() - started) * scale)
        self.seconds[name] = statistics.median(samples)

    def pixels(self, count: int, size: int) -> torch.Tensor:
        return torch.rand(count, 3, size, size, device=self.device, dtype=self.dtype)

    def clip(self) -> None:
        import open_clip

        precision = "fp16" if self.device.type == "cuda" else "fp32"
        model = open_clip.create_model(self.options.model, precision=precision, device=self.device).eval()
        size = model.visual.image_size
        size = size[0] if isinstance(size, tuple) else size
        for count in (1, 32):
            self.measure(f"image_features, {count}", partial(model.encode_image, self.pixels(count, size), normalize=True))
        for name, prefix, whole in (
            ("text_features, 1000", 0, 1000),
            (f"chain step, {CANDIDATES} candidates", 20, CANDIDATES),
        ):
            work = partial(model.encode_text, self.texts(REFERENCE_CANDIDATES, prefix), normalize=True)
            self.measure(name, work, whole / REFERENCE_CANDIDATES)

    def texts(self, count: int, prefix: int) -> torch.Tensor:
        generator = random.Random(1)
        rows = torch.zeros(count, CONTEXT, dtype=torch.long)
        for row in rows:
            ids = [SOT, *[320] * prefix, *[generator.randrange(1, 49000) for _ in range(generator.randint(1, 5))], EOT]
            row[: len(ids)] = torch.tensor(ids)
        return rows.to(self.device)

    def caption(self) -> None:
        from transformers import BlipForConditionalGeneration

        sys.path.insert(0, str(EXPORTER))
        from torch_interrogator_export.caption.blip import builtin_config

        torch.manual_seed(SEED)  # the weights that the exporter draws
        model = BlipForConditionalGeneration(builtin_config(self.options.caption)).to(self.device, self.dtype).eval()
        for count in (1, 8, 16):
            work = partial(model.generate, pixel_values=self.pixels(count, 384), max_new_tokens=32, num_beams=1)
            self.measure(f"captions, {count}", work)


def reference(options: argparse.Namespace) -> dict[str, float]:
    peer = Reference(options)
    with torch.inference_mode():
        peer.clip()
        peer.caption()
    return peer.seconds


def machine(device: str) -> str:
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else f"{os.cpu_count()} cores"
    return f"{name}; torch {torch.__version__}"


def run(command: list, **environment: str) -> None:
    print("+", " ".join(map(str, command)), flush=True)
    subprocess.run([str(part) for part in command], check=True, env={**os.environ, **environment})


if __name__ == "__main__":
    raise SystemExit(main())
