"""A bundle that differs from its model is not kept; what was there before is."""

import pytest
import torch

from torch_interrogator_export import bundle
from torch_interrogator_export import clip as clip_export
from torch_interrogator_export.caption import export as caption_export
from torch_interrogator_export.errors import ExportError

CLIP = ["clip", "tiny-clip/", "--untrained", "--seed", "1", "--vocabulary", "none"]


def damage_weight(module, part: str, monkeypatch) -> None:
    """Saves the modules as the exporter does, but with one weight of `part` changed."""

    def save(scripted, path, precision):
        if path.name == part:
            scripted = scripted.copy()
            parameter = max((p for _, p in scripted.named_parameters()), key=lambda tensor: tensor.numel())
            parameter.data = parameter.data * 1.05
        bundle.save_module(scripted, path, precision)

    monkeypatch.setattr(module, "save_module", save)
    # What is compared with must stay whole: the saved modules share its weights.
    if module is clip_export:
        load = clip_export.load_model
        monkeypatch.setattr(clip_export, "check_clip", lambda f, _, t, d: _reload_check(f, t, d, load))


def _reload_check(folder, tokenizer, device, load):
    from torch_interrogator_export.checks.clip import check_clip
    from torch_interrogator_export.source import Weights

    check_clip(folder, load("tiny-clip", "", Weights(seed=1), device), tokenizer, device)


@pytest.mark.parametrize("part", ["image.pt", "text.pt"])
def test_a_clip_bundle_with_other_weights_is_refused(part, tiny_clip, tmp_path, run, monkeypatch):
    damage_weight(clip_export, part, monkeypatch)
    code, errors = run(*CLIP, "--out", tmp_path / "b")
    assert code == 1
    assert "differs from its model" in errors[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_with_another_tokenizer_is_refused(tiny_clip, tmp_path, run, monkeypatch):
    def write(source, path):
        from torch_interrogator_export.tokenizer.wordpiece import bert_uncased

        bert_uncased().save(str(path))

    monkeypatch.setattr(clip_export, "write_tokenizer", write)
    code, errors = run(*CLIP, "--out", tmp_path / "b")
    assert code == 1
    assert "tokenizer differs" in errors[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["vision.pt", "decoder.pt"])
def test_a_caption_bundle_with_other_weights_is_refused(part, tiny_blip, tmp_path, run, monkeypatch):
    def save(scripted, path, precision):
        bundle.save_module(scripted, path, precision)
        if path.name == part:
            loaded = torch.jit.load(str(path))
            for parameter in loaded.parameters():
                parameter.data += 0.01 * torch.randn(parameter.shape)
            torch.jit.save(loaded, str(path))

    monkeypatch.setattr(caption_export, "save_module", save)
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
