"""The activation of a name: what its tag's weights were trained with, whatever the model's plain config says."""

import json

import open_clip
import pytest
import torch
from conftest import HERE, TINY_CLIP
from open_clip.pretrained import _PRETRAINED
from open_clip.transformer import QuickGELU
from sources import load_source, require_equal_features
from texts import prompts

from torch_interrogator_export.clip.model import load_model
from torch_interrogator_export.manifest import read_manifest
from torch_interrogator_export.source import Weights

PAIRS = open_clip.list_pretrained()
CATALOG = json.loads((HERE.parents[1] / "catalog.json").read_text())["models"]


def trained_with_quick_gelu(model: str, tag: str) -> bool:
    """The tag's own word; where it says nothing, the config that the model was trained by."""
    said = open_clip.get_pretrained_cfg(model, tag).get("quick_gelu")
    return bool(open_clip.get_model_config(model).get("quick_gelu") if said is None else said)


@pytest.fixture
def made(monkeypatch):
    """What open_clip would have been asked to make, and nothing made."""
    asked = []

    def record(name, **options):
        config = open_clip.get_model_config(name)
        asked.append(bool(options.get("force_quick_gelu") or config.get("quick_gelu")))
        return torch.nn.Identity()

    monkeypatch.setattr(open_clip, "create_model", record)
    return asked


@pytest.mark.parametrize(
    "weights", [Weights(), Weights(checkpoint="weights.bin"), Weights(seed=0)], ids=["hub", "checkpoint", "untrained"]
)
def test_every_pair_is_made_with_the_activation_of_its_tag(weights, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({}, "weights.bin")
    for model, tag in PAIRS:
        load_model(model, tag, weights, "cpu")
    wrong = [pair for pair, ours in zip(PAIRS, made, strict=True) if ours != trained_with_quick_gelu(*pair)]
    assert wrong == []


def test_the_catalog_says_each_pairs_activation():
    said = {entry["name"]: entry.get("activation") for entry in CATALOG if entry["kind"] == "clip"}
    assert said == {f"{m}/{t}": "quick_gelu" if trained_with_quick_gelu(m, t) else "gelu" for m, t in PAIRS}


def test_a_plain_name_and_its_quickgelu_name_are_the_same_model():
    # An image generator's encoder is listed by the plain name alone.
    said = {entry["name"]: {**entry, "name": None, "generators": None} for entry in CATALOG}
    twins = [(f"{m}/{t}", f"{m.removesuffix('-quickgelu')}/{t}") for m, t in PAIRS if m.endswith("-quickgelu")]
    assert len(twins) == 27
    assert [pair for pair in twins if said[pair[0]] != said[pair[1]]] == []


@pytest.mark.parametrize("tag", ["trained_with_quick_gelu", "trained_with_gelu", ""])
def test_a_bundle_runs_the_activation_of_its_tag(tag, tmp_path, run, monkeypatch):
    monkeypatch.setitem(
        _PRETRAINED, "activation", {"trained_with_quick_gelu": {"quick_gelu": True}, "trained_with_gelu": {"url": ""}}
    )
    config = tmp_path / "activation.json"
    config.write_text(TINY_CLIP.read_text())
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", dict(open_clip.factory._MODEL_CONFIGS))
    out = tmp_path / "bundle"
    code, errors = run(
        *("clip", f"activation/{tag}", "--config", config, "--untrained", "--seed", 4, "--vocabulary", "none", "--out", out)
    )
    assert code == 0, errors
    quick = tag == "trained_with_quick_gelu"
    source = load_source("activation", 4, force_quick_gelu=quick)
    assert any(isinstance(module, QuickGELU) for module in source.modules()) == quick
    require_equal_features(out, source, "activation", prompts()[::50])
    assert bool(read_manifest(out)["source"]["config"].get("quick_gelu")) == quick
