"""Where weights come from and how they are stored."""

import open_clip
import pytest
import torch
from sources import load_source, require_equal_features

from torch_interrogator_export.manifest import read_manifest

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def floating_dtypes(file) -> set[torch.dtype]:
    module = torch.jit.load(str(file))
    return {tensor.dtype for tensor in module.state_dict().values() if tensor.is_floating_point()}


@pytest.mark.parametrize("precision", DTYPES)
def test_clip_weights_are_stored_in_the_precision_asked_for(precision, tiny_clip, tmp_path, run):
    code, errors = run(
        "clip",
        "tiny-clip/",
        "--untrained",
        "--seed",
        1,
        "--precision",
        precision,
        "--vocabulary",
        "none",
        "--out",
        tmp_path / "b",
    )
    assert code == 0, errors
    assert read_manifest(tmp_path / "b")["precision"] == precision
    for name in ("image.pt", "text.pt"):
        assert floating_dtypes(tmp_path / "b" / name) == {DTYPES[precision]}
        assert (tmp_path / "b" / name).stat().st_size < 0.75 * (tiny_clip / name).stat().st_size
    pixels = torch.randn(2, 3, 32, 32)
    image = torch.jit.load(str(tmp_path / "b" / "image.pt"))
    expected = load_source("tiny-clip", 1).encode_image(pixels, normalize=True)
    assert torch.cosine_similarity(image.float()(pixels), expected).min() > 0.999


@pytest.mark.parametrize("precision", DTYPES)
def test_caption_weights_are_stored_in_the_precision_asked_for(precision, tiny_blip, tmp_path, run):
    code, errors = run("caption", "own", "--checkpoint", tiny_blip[0], "--precision", precision, "--out", tmp_path / "b")
    assert code == 0, errors
    for name in ("vision.pt", "decoder.pt"):
        assert floating_dtypes(tmp_path / "b" / name) == {DTYPES[precision]}


@pytest.mark.parametrize("form", ["state_dict", "training", "safetensors"])
def test_a_checkpoint_gives_its_own_weights(form, tiny_clip, tmp_path, run):
    model = load_source("tiny-clip", 99)
    state = model.state_dict()
    file = tmp_path / ("weights.safetensors" if form == "safetensors" else "weights.pt")
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, file)
    elif form == "training":
        torch.save({"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, file)
    else:
        torch.save(state, file)
    code, errors = run("clip", "tiny-clip/mine", "--checkpoint", file, "--vocabulary", "none", "--out", tmp_path / "b")
    assert code == 0, errors
    require_equal_features(tmp_path / "b", model, "tiny-clip", ["a cat", "a dog, detailed"])
    manifest = read_manifest(tmp_path / "b")
    assert manifest["name"] == "tiny-clip/mine"
    assert (manifest["source"]["weights"], manifest["source"]["checkpoint"]) == ("checkpoint", file.name)
    assert str(tmp_path) not in (tmp_path / "b" / "manifest.json").read_text()


def test_a_seed_gives_the_weights_of_that_seed(tiny_clip):
    first, second = load_source("tiny-clip", 1), load_source("tiny-clip", 2)
    text = torch.jit.load(str(tiny_clip / "text.pt")).state_dict()["token_embedding"]
    assert torch.equal(text, first.token_embedding.weight)
    assert not torch.equal(text, second.token_embedding.weight)


def test_known_tags_bring_their_preprocessing_along_with_a_checkpoint(monkeypatch, tmp_path):
    from torch_interrogator_export.clip.model import load_model
    from torch_interrogator_export.source import Weights

    # A tag with its own mean, of a small model: what is looked up is open_clip's own table.
    seen = {}

    def record(name, **options):
        seen.update(options)
        return torch.nn.Identity()

    file = str(tmp_path / "weights.bin")
    torch.save({}, file)
    monkeypatch.setattr(open_clip, "create_model", record)
    load_model("ViT-B-16-SigLIP", "webli", Weights(checkpoint=file), "cpu")
    assert seen["pretrained"] == file
    assert tuple(seen["force_preprocess_cfg"]["mean"]) == (0.5, 0.5, 0.5)
