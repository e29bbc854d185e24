"""A bundle that differs from its model is not kept; what was there before is."""

import pytest
import torch

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
