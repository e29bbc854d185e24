"""The sizes that people use: ViT-B-32 with OpenAI's activation and blip-base, untrained."""

import pytest
import torch
from sources import greedy, load_source, require_equal_features
from texts import prompts
from transformers import BlipForConditionalGeneration

from torch_interrogator_export.caption import export as caption_export
from torch_interrogator_export.caption.families import builtin_config
from torch_interrogator_export.clip import export as clip_export
from torch_interrogator_export.manifest import read_manifest

pytestmark = pytest.mark.slow


def test_vit_b_32_equals_open_clip(tmp_path, run, monkeypatch):
    # What follows compares more than the self-check, and on other inputs.
    monkeypatch.setattr(clip_export, "check_clip", lambda *_: None)
    code, errors = run(
        "clip", "ViT-B-32/openai", "--untrained", "--seed", 0, "--vocabulary", "none", "--out", tmp_path / "b"
    )
    assert code == 0, errors
    source = load_source("ViT-B-32", 0, force_quick_gelu=True)
    require_equal_features(tmp_path / "b", source, "ViT-B-32", prompts()[::20])


def test_blip_base_equals_transformers(tmp_path, run, monkeypatch):
    monkeypatch.setattr(caption_export, "check_caption", lambda *_: None)
    code, errors = run("caption", "blip-base", "--untrained", "--seed", 0, "--out", tmp_path / "b")
    assert code == 0, errors
    with torch.inference_mode(False):
        torch.manual_seed(0)
        model = BlipForConditionalGeneration(builtin_config("blip-base")).eval()
    vision, decoder = (torch.jit.load(str(tmp_path / "b" / name)) for name in ("vision.pt", "decoder.pt"))
    pixels = torch.randn(1, 3, 384, 384)
    expected = model.generate(pixel_values=pixels, max_new_tokens=32, num_beams=1, do_sample=False)
    assert greedy(decoder, read_manifest(tmp_path / "b"), vision(pixels), 32) == expected.tolist()
