"""A bundle that differs from its model is not kept; what was there before is."""

from pathlib import Path

import pytest
import torch
from make_tiny_blip import make_tiny_blip, tiny_config

from torch_interrogator_export import bundle
from torch_interrogator_export.caption import export as caption_export
from torch_interrogator_export.clip import export as clip_export
from torch_interrogator_export.errors import ExportError

CLIP = ["clip", "tiny-clip/", "--untrained", "--seed", "1", "--vocabulary", "none"]


def spoil_when_saved(module, part: str, monkeypatch) -> None:
    """Lets `module` save its parts as ever, but `part` with a little noise on its weights."""

    def save(scripted, path, precision):
        bundle.save_module(scripted, path, precision)
        if path.name == part:
            loaded = torch.jit.load(str(path))
            for parameter in loaded.parameters():
                parameter.data += 0.01 * torch.randn(parameter.shape)
            torch.jit.save(loaded, str(path))

    monkeypatch.setattr(module, "save_module", save)


@pytest.mark.parametrize("part", ["image.pt", "text.pt"])
def test_a_clip_bundle_with_other_weights_is_refused(part, tiny_clip, tmp_path, run, monkeypatch):
    spoil_when_saved(clip_export, part, monkeypatch)
    code, errors = run(*CLIP, "--out", tmp_path / "b")
    assert code == 1
    assert "differs from its model" in errors[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_with_another_tokenizer_is_refused(tiny_clip, tmp_path, run, monkeypatch):
    def write(source, path):
        from torch_interrogator_export.caption.tokenizer import bert_uncased

        bert_uncased().save(str(path))

    monkeypatch.setattr(clip_export, "write_tokenizer", write)
    code, errors = run(*CLIP, "--out", tmp_path / "b")
    assert code == 1
    assert "tokenizer differs" in errors[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["vision.pt", "decoder.pt"])
def test_a_caption_bundle_with_other_weights_is_refused(part, tiny_blip, tmp_path, run, monkeypatch):
    spoil_when_saved(caption_export, part, monkeypatch)
    code, errors = run("caption", "own", "--checkpoint", tiny_blip[0], "--out", tmp_path / "b")
    assert code == 1
    assert "the bundle" in errors[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_is_there_survives_a_failed_export_and_not_a_good_one(tiny_clip, tmp_path, run, monkeypatch):
    out = tmp_path / "b"
    assert run(*CLIP, "--out", out)[0] == 0
    before = (out / "manifest.json").read_bytes()

    def fail(*_):
        raise ExportError("made to fail")

    with monkeypatch.context() as patched:
        patched.setattr(clip_export, "check_clip", fail)
        assert run(*CLIP, "--precision", "fp16", "--out", out)[0] == 1
    assert (out / "manifest.json").read_bytes() == before
    assert run(*CLIP, "--precision", "fp16", "--out", out)[0] == 0
    assert b'"fp16"' in (out / "manifest.json").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def write_bundle(out: Path, text: str) -> None:
    with bundle.new_bundle(out) as folder:
        (folder / "manifest.json").write_text(text)


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("failure", [OSError(16, "Device or resource busy"), KeyboardInterrupt(), SystemExit(143)], ids=repr)
def test_a_swap_that_fails_puts_the_old_bundle_back(failing, failure, tmp_path, monkeypatch):
    write_bundle(tmp_path / "b", "old")
    renamed = []
    rename = Path.rename

    def fail(self, target):
        renamed.append(self)
        if len(renamed) == failing:
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    if isinstance(failure, OSError):
        with pytest.raises(ExportError, match="Device or resource busy; the bundle that was there is as before"):
            write_bundle(tmp_path / "b", "new")
    else:
        with pytest.raises(type(failure)):
            write_bundle(tmp_path / "b", "new")
    assert (tmp_path / "b" / "manifest.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_link_to_a_bundle_stays_one(tmp_path):
    write_bundle(tmp_path / "there" / "b", "old")
    (tmp_path / "link").symlink_to("there/b")
    write_bundle(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "b" / "manifest.json").read_text() == "new"
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["b"]


def sensitive(layers: int, spread: float):
    """A random captioner that turns rounding into differences of its logits far above those of a trained one."""
    config = tiny_config(layers=layers)
    config.text_config.initializer_range = spread
    return config


@pytest.mark.parametrize(("layers", "spread", "seed"), [(12, 0.3, 1), (2, 1.0, 1), (3, 0.6, 2)])
def test_a_captioner_that_magnifies_rounding_is_judged_by_rounding(layers, spread, seed, tmp_path, run, monkeypatch):
    with torch.inference_mode(False):
        make_tiny_blip(tmp_path / "source", seed, sensitive(layers, spread))
    export = ("caption", "own", "--checkpoint", tmp_path / "source", "--out")
    code, errors = run(*export, tmp_path / "b")
    assert code == 0, errors
    # Weights that are a little off are refused all the same.
    spoil_when_saved(caption_export, "decoder.pt", monkeypatch)
    code, errors = run(*export, tmp_path / "spoiled")
    assert code == 1
    assert "the bundle" in errors[-1]
