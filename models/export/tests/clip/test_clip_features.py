"""Bundles of every kind of ViT, and a ResNet, against open_clip itself."""

import json

import open_clip
import pytest
import torch
from conftest import HERE, TINY_CLIP
from sources import load_source, require_equal_features
from texts import prompts

from torch_interrogator_export.clip.check import extend_all
from torch_interrogator_export.manifest import read_manifest, sha256

VARIANTS = {
    "quickgelu": {"quick_gelu": True},
    "layer-scale": {"vision_cfg": {"ls_init_value": 0.1, "patch_dropout": 0.5}, "text_cfg": {"ls_init_value": 0.1}},
    "average-pool": {
        "vision_cfg": {"pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True, "pos_embed_type": "sin_cos_2d"},
        "text_cfg": {"proj_type": "none"},
    },
    "average-of-normed": {"vision_cfg": {"pool_type": "avg"}},
    "pixels-beside-patches": {"vision_cfg": {"image_size": [35, 39]}},
    "attention-pool": {"vision_cfg": {"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 4}},
    "custom-attention": {
        "vision_cfg": {"qk_norm": True, "scale_heads": True, "scale_attn_inner": True, "scale_attn": True, "scale_fc": True}
    },
    "own-text-module": {"custom_text": True, "text_cfg": {"proj_bias": True, "pool_type": "eos", "eos_id": 49407}},
    "norm-eps": {
        "vision_cfg": {"norm_kwargs": {"eps": 1e-3}, "act_kwargs": {"approximate": "tanh"}},
        "text_cfg": {"norm_kwargs": {"eps": 1e-3}, "act_kwargs": {"approximate": "tanh"}},
    },
    "one-wide-layer": {
        "vision_cfg": {"layers": 1, "image_size": [32, 48], "mlp_ratio": 2.5},
        "text_cfg": {"layers": 1, "mlp_ratio": 3.0, "context_length": 20},
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_features_of_a_vit_bundle_equal_open_clips(variant, write_config, tmp_path, run):
    name = f"tiny-{variant}"
    file = write_config(name, **VARIANTS[variant])
    code, errors = run(
        "clip", f"{name}/", "--config", file, "--untrained", "--seed", 7, "--vocabulary", "none", "--out", tmp_path / "b"
    )
    assert code == 0, errors
    require_equal_features(tmp_path / "b", load_source(name, 7), name, prompts()[::12])


def test_features_of_a_resnet_bundle_equal_open_clips(tmp_path, run):
    config = HERE / "data" / "tiny-resnet.json"
    code, errors = run("clip", "tiny-resnet/", "--config", config, "--untrained", "--out", tmp_path / "b")
    assert code == 0, errors
    require_equal_features(tmp_path / "b", load_source("tiny-resnet", 0), "tiny-resnet", prompts()[::12])


def test_500_vocabulary_lines_and_odd_texts_have_open_clips_features(tiny_clip):
    require_equal_features(tiny_clip, load_source("tiny-clip", 1), "tiny-clip", prompts())


def test_features_do_not_depend_on_how_much_is_prefix(tiny_clip):
    text = torch.jit.load(str(tiny_clip / "text.pt"))
    tokens = open_clip.get_tokenizer("tiny-clip")(["a photo of a cat, detailed, " * 30])[0].tolist()
    whole = extend_all(text, [tokens], 1, "cpu")
    for prefix in (2, 10, 75, 76):
        torch.testing.assert_close(extend_all(text, [tokens], prefix, "cpu"), whole, rtol=0, atol=1e-5)


def test_ends_may_repeat_and_come_in_any_order(tiny_clip):
    text = torch.jit.load(str(tiny_clip / "text.pt"))
    sequences = [[49406, 320, 49407], [49406, 530, 100, 49407]]
    first, second = extend_all(text, sequences, 1, "cpu")
    actual = extend_all(text, [sequences[1], sequences[0], sequences[1]], 1, "cpu")
    torch.testing.assert_close(actual, torch.stack([second, first, second]), rtol=0, atol=1e-6)


def test_prefill_has_the_shapes_of_the_contract(tiny_clip):
    text = torch.jit.load(str(tiny_clip / "text.pt"))
    for length in (1, 5, 77):
        keys, values = text.prefill(torch.arange(length))
        assert keys.shape == values.shape == (3, 4, length, 8)


def test_the_manifest_vouches_for_every_file(tiny_clip):
    manifest = read_manifest(tiny_clip)
    files = {path.relative_to(tiny_clip).as_posix() for path in tiny_clip.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == files - {"manifest.json"}
    for name, entry in manifest["files"].items():
        assert entry == {"bytes": (tiny_clip / name).stat().st_size, "sha256": sha256(tiny_clip / name)}
    assert manifest["source"]["config"] == json.loads(TINY_CLIP.read_text())
    assert manifest["vocabulary"] == [
        f"vocabulary/{n}.txt" for n in ("artists", "flavors", "mediums", "movements", "negative")
    ]
    assert (manifest["embedDim"], manifest["image"]["size"], manifest["text"]["eotId"]) == (32, [32, 32], 49407)
