"""Small models, exported once a session, and the sources that they must equal."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
# Nothing here may wait for a network.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

from torch_interrogator_export.cli import main  # noqa: E402

# Small tensors: a second thread costs more than it brings, most of all on a busy machine.
torch.set_num_threads(1)

TINY_CLIP = HERE / "data" / "tiny-clip.json"


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


@pytest.fixture
def run(capsys):
    """Runs the command line: (exit code, lines of stderr)."""

    def _run(*arguments: object) -> tuple[int, list[str]]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr().err.strip().splitlines()

    return _run


@pytest.fixture(scope="session")
def write_config(tmp_path_factory):
    """Writes the tiny config with changes, such as vision_cfg={...} or quick_gelu=True, and returns its file."""

    def _write(name: str, **changes: object) -> Path:
        config = json.loads(TINY_CLIP.read_text())
        for key, value in changes.items():
            config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
        file = tmp_path_factory.mktemp("config") / f"{name}.json"
        file.write_text(json.dumps(config))
        return file

    return _write


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """The bundle of data/tiny-clip.json from seed 1, with the term lists of clip-interrogator."""
    out = tmp_path_factory.mktemp("bundles") / "tiny-clip"
    arguments = ["clip", "tiny-clip/", "--config", str(TINY_CLIP), "--untrained", "--seed", "1", "--out", str(out)]
    assert main(arguments) == 0
    return out


@pytest.fixture(scope="session")
def tiny_blip(tmp_path_factory):
    """(source folder, bundle) of a small BLIP captioner."""
    from make_tiny_blip import make_tiny_blip

    folder = tmp_path_factory.mktemp("bundles")
    with torch.inference_mode(False):
        make_tiny_blip(folder / "source", 3)
    assert main(["caption", "tiny-blip", "--checkpoint", str(folder / "source"), "--out", str(folder / "bundle")]) == 0
    return folder / "source", folder / "bundle"
