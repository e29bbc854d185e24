"""The native benchmarks beside the Python reference, on one machine in one run: `python beside_reference.py --device cuda:0`.

For a machine without Node: needs cmake, ninja, a C++ compiler, on CUDA nvcc, and a Python with torch, transformers and
open_clip. Exports ViT-L-14 and blip-large with seeded random weights (kept in --work), builds native/core, runs its tests,
then its benchmarks and the same work in open_clip and transformers, in turn. Writes the rows of both as JSON.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
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
    peers = reference(options)
    rows = json.loads(ours.read_text())
    for row in rows:
        peer = peers.get(row["name"])
        row["machine"] = machine(options.device)
        if peer is not None:
            row |= {"peer_s": peer, "ratio": peer / row["ours_s"]}
    text = json.dumps(rows, indent=1)
    if options.json:
        options.json.write_text(text + "\n")
    for row in rows:
        if row["ratio"]:
            print(f"{row['name']:40} ours {row['ours_s']:9.4f} s   reference {row['peer_s']:9.4f} s   {row['ratio']:7.1f} x")
    return 0


def export(options: argparse.Namespace, kind: str, name: str) -> Path:
    bundle = options.work / name.strip("/")
    if not (bundle / "manifest.json").exists():
        command = [
            sys.executable,
            "-m",
            "torch_interrogator_export",
            kind,
            name,
            "--untrained",
            "--seed",
            SEED,
            "--out",
            bundle,
        ]
        run([*command, *(["--vocabulary", "none"] if kind == "clip" else [])], PYTHONPATH=str(EXPORTER))
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


def reference(options: argparse.Namespace) -> dict[str, float]:
    """Seconds by the name of our row: what open_clip and transformers take for the same work."""
    import open_clip
    from transformers import BlipForConditionalGeneration

    sys.path.insert(0, str(EXPORTER))
    from torch_interrogator_export.caption.blip import builtin_config

    device = torch.device(options.device)
    # As clip-interrogator does: float16 on CUDA.
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    precision = "fp16" if device.type == "cuda" else "fp32"
    clip = open_clip.create_model(options.model, precision=precision, device=device).eval()
    size = clip.visual.image_size[0] if isinstance(clip.visual.image_size, tuple) else clip.visual.image_size
    measured = {}

    def measure(name: str, work, scale: float = 1) -> None:
        seconds = []
        for sample in range(options.samples + 1):
            started = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if sample:  # the first warms up
                seconds.append((time.perf_counter() - started) * scale)
        measured[name] = statistics.median(seconds)

    generator = random.Random(1)

    def texts(count: int, prefix: int) -> torch.Tensor:
        rows = torch.zeros(count, CONTEXT, dtype=torch.long)
        for row in rows:
            ids = [SOT, *[320] * prefix, *[generator.randrange(1, 49000) for _ in range(generator.randint(1, 5))], EOT]
            row[: len(ids)] = torch.tensor(ids)
        return rows.to(device)

    with torch.inference_mode():
        for count in (1, 32):
            pixels = torch.rand(count, 3, size, size, device=device, dtype=dtype)
            measure(f"image_features, {count}", lambda: clip.encode_image(pixels, normalize=True))
        some = texts(REFERENCE_CANDIDATES, 0)
        measure("text_features, 1000", lambda: clip.encode_text(some, normalize=True), 1000 / REFERENCE_CANDIDATES)
        some = texts(REFERENCE_CANDIDATES, 20)
        name = f"chain step, {CANDIDATES} candidates"
        measure(name, lambda: clip.encode_text(some, normalize=True), CANDIDATES / REFERENCE_CANDIDATES)
        del clip
        blip = BlipForConditionalGeneration(builtin_config(options.caption)).to(device, dtype).eval()
        blip.generation_config.eos_token_id = None  # random weights: the full length, as ours
        for count in (1, 8, 16):
            pixels = torch.rand(count, 3, 384, 384, device=device, dtype=dtype)
            measure(f"captions, {count}", lambda: blip.generate(pixel_values=pixels, max_new_tokens=32, num_beams=1))
    return measured


def machine(device: str) -> str:
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else f"{os.cpu_count()} cores"
    return f"{name}; torch {torch.__version__}"


def run(command: list, **environment: str) -> None:
    print("+", " ".join(map(str, command)), flush=True)
    subprocess.run([str(part) for part in command], check=True, env={**os.environ, **environment})


if __name__ == "__main__":
    raise SystemExit(main())
