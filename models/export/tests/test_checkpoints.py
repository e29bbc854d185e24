"""What --checkpoint takes: files, and folders as the hub lays them out. What is no checkpoint is called by its name."""

import json
import random
import shutil

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file
from sources import load_source, require_equal_features
from transformers import CLIPConfig, CLIPModel

from torch_interrogator_export.checkpoint import open_clip_weights
from torch_interrogator_export.manifest import read_manifest

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4" * 64 + b"\nsize 1710540580\n"


@pytest.fixture(scope="module")
def clip_files(tiny_clip, tmp_path_factory):
    """{suffix: file} of one tiny model's weights."""
    folder = tmp_path_factory.mktemp("weights")
    state = {name: tensor.contiguous().clone() for name, tensor in load_source("tiny-clip", 99).state_dict().items()}
    save_file(state, folder / "w.safetensors")
    torch.save(state, folder / "w.bin")
    return {".safetensors": folder / "w.safetensors", ".bin": folder / "w.bin", ".pt": folder / "w.bin"}


@pytest.fixture(scope="module")
def transformers_clip(tmp_path_factory):
    """A transformers model folder of a small CLIP."""
    folder = tmp_path_factory.mktemp("transformers-clip")
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(text_config=small, vision_config={**small, "image_size": 32, "patch_size": 8})
    with torch.inference_mode(False):
        CLIPModel(config).save_pretrained(folder)
    return folder


def damaged(kind: str, whole: bytes, chance: random.Random) -> bytes:
    if kind == "empty":
        return b""
    if kind == "lfs":
        return LFS
    if kind == "html":
        start = chance.choice(
            [b"<!DOCTYPE html>", b"<!doctype HTML>", b"\xef\xbb\xbf<html>", b"\n  <html lang='en'>", b"<?xml?><html>"]
        )
        return start + b"<body>404</body></html>" * chance.randrange(1, 3000)
    if kind == "json":
        return json.dumps({"error": "Repository not found", "padding": "x" * chance.randrange(5000)}).encode()
    if kind == "text":
        return b"Invalid username or password.\n" * chance.randrange(1, 50)
    if kind == "cut":
        return whole[: chance.randrange(64, len(whole) - 1)]
    return chance.randbytes(chance.randrange(300, 5000))


SAID = {
    "empty": ["is empty", "again"],
    "lfs": ["Git LFS pointer", "git lfs pull"],
    "html": ["web page", "again"],
    "json": ["JSON"],
    "text": ["text"],
    "cut": ["cut off", "again"],
    "noise": ["no checkpoint"],
}


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize(
    "name", ["weights.safetensors", "weights.bin", "open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
)
def test_a_clip_file_that_is_no_checkpoint_is_called_by_its_name(kind, name, clip_files, tmp_path, run):
    chance = random.Random(f"{kind} {name}")
    for round_ in range(4):
        folder = tmp_path / str(round_)
        folder.mkdir()
        file = folder / name
        file.write_bytes(damaged(kind, clip_files[file.suffix].read_bytes(), chance))
        given = folder if name.startswith("open_clip") else file
        code, errors = run("clip", "tiny-clip/", "--checkpoint", given, "--out", tmp_path / "b")
        assert (code, len(errors)) == (1, 1), errors
        assert all(words in errors[0] for words in (*SAID[kind], str(file))), errors
        assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_captioners_file_that_is_no_checkpoint_is_called_by_its_name(kind, name, tiny_blip, tmp_path, run):
    chance = random.Random(f"{kind} {name}")
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    whole = (source / "model.safetensors").read_bytes()
    if name.endswith(".bin"):
        torch.save({"x": torch.zeros(100_000)}, source / name)
        whole = (source / name).read_bytes()
        (source / "model.safetensors").unlink()
    for _ in range(2):
        (source / name).write_bytes(damaged(kind, whole, chance))
        code, errors = run("caption", "own", "--checkpoint", source, "--out", tmp_path / "b")
        assert (code, len(errors)) == (1, 1), errors
        assert all(words in errors[0] for words in (*SAID[kind], str(source / name))), errors


HARM = {
    "a tensor": lambda state: {name: state[name] for name in list(state)[1:]},
    "a layer": lambda state: {name: state[name] for name in state if ".layer.1." not in name},
    "every name": lambda state: {f"module.{name}": state[name] for name in state},
}


@pytest.mark.parametrize("harm", HARM)
def test_a_captioner_that_lacks_tensors_is_refused(harm, tiny_blip, tmp_path, run):
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    state = load_file(source / "model.safetensors")
    save_file(HARM[harm](state), source / "model.safetensors", metadata={"format": "pt"})
    code, errors = run("caption", "own", "--checkpoint", source, "--out", tmp_path / "b")
    assert code == 1
    assert all(words in errors[-1] for words in ("lacks", str(source))), errors
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_a_config_that_is_cut_off_is_no_whole_json(cut, tiny_blip, tmp_path, run):
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    config = source / "config.json"
    config.write_bytes(config.read_bytes()[:cut])
    code, errors = run("caption", "own", "--checkpoint", source, "--out", tmp_path / "b")
    assert (code, len(errors)) == (1, 1), errors
    assert "no whole JSON" in errors[0], errors
    assert errors[0].count("get it again") == 1, errors


@pytest.mark.parametrize("kind", ["empty", "lfs", "html", "text"])
def test_a_config_that_is_none_is_called_by_its_name(kind, tiny_blip, tmp_path, run):
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    (source / "config.json").write_bytes(damaged(kind, b"", random.Random(kind)))
    code, errors = run("caption", "own", "--checkpoint", source, "--out", tmp_path / "b")
    assert (code, len(errors)) == (1, 1), errors
    assert all(words in errors[0] for words in (SAID[kind][0], str(source / "config.json"))), errors


@pytest.mark.parametrize("form", ["folder", "safetensors", "pickle", "named as open_clip's"])
def test_a_transformers_checkpoint_is_told_apart_from_an_open_clip_one(form, transformers_clip, tmp_path, run):
    given = transformers_clip
    if form == "safetensors":
        given = transformers_clip / "model.safetensors"
    elif form == "pickle":
        given = tmp_path / "pytorch_model.bin"
        torch.save(CLIPModel.from_pretrained(transformers_clip).state_dict(), given)
    elif form != "folder":
        given = tmp_path / "repository"
        given.mkdir()
        shutil.copyfile(transformers_clip / "model.safetensors", given / "open_clip_model.safetensors")
    code, errors = run("clip", "tiny-clip/", "--checkpoint", given, "--out", tmp_path / "b")
    assert code == 1
    assert "transformers checkpoint" in errors[-1]
    assert "open_clip" in errors[-1]


def test_a_torchscript_archive_is_told_apart(tiny_clip, tmp_path, run):
    code, errors = run("clip", "tiny-clip/", "--checkpoint", tiny_clip / "text.pt", "--out", tmp_path / "b")
    assert code == 1
    assert "TorchScript" in errors[-1]


NAMES = [
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "model.safetensors",
    "pytorch_model.bin",
    "epoch_latest.pt",
]
LAYOUTS = ["repository", "cache of the hub", "snapshot"]


def lay_out(layout, name, file, folder):
    """Copies a file of weights to where the layout has it; the folder that a person would name."""
    cache = folder / "models--me--mine"
    cache.mkdir()
    if layout == "repository":
        shutil.copyfile(file, cache / name)
        return cache
    snapshot = cache / "snapshots" / ("a" * 40)
    for part in (snapshot, cache / "snapshots" / ("b" * 40), cache / "blobs", cache / "refs"):
        part.mkdir(parents=True)
    (cache / "refs" / "main").write_text("a" * 40)
    shutil.copyfile(file, cache / "blobs" / "1234")
    (snapshot / name).symlink_to("../../blobs/1234")
    return snapshot if layout == "snapshot" else cache


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folders_own_file_of_weights_is_found(name, layout, clip_files, tmp_path):
    file = clip_files[f".{name.rsplit('.')[-1]}"]
    found = open_clip_weights(lay_out(layout, name, file, tmp_path))
    assert (found.name, found.read_bytes()) == (name, file.read_bytes())


@pytest.mark.parametrize(("layout", "name"), [("repository", NAMES[0]), ("cache of the hub", NAMES[2])])
def test_a_folder_gives_its_own_weights(layout, name, clip_files, tmp_path, run):
    given = lay_out(layout, name, clip_files[f".{name.rsplit('.')[-1]}"], tmp_path)
    code, errors = run("clip", "tiny-clip/mine", "--checkpoint", given, "--vocabulary", "none", "--out", tmp_path / "b")
    assert code == 0, errors
    require_equal_features(tmp_path / "b", load_source("tiny-clip", 99), "tiny-clip", ["a cat", "a dog, detailed"])
    assert read_manifest(tmp_path / "b")["source"]["checkpoint"] == given.name


def test_open_clips_file_is_taken_beside_transformers(clip_files, transformers_clip, tmp_path):
    shutil.copytree(transformers_clip, tmp_path / "both")
    shutil.copyfile(clip_files[".bin"], tmp_path / "both" / "open_clip_pytorch_model.bin")
    assert open_clip_weights(tmp_path / "both").name == "open_clip_pytorch_model.bin"


def test_a_folders_open_clip_config_says_its_preprocessing_and_activation(clip_files, tmp_path, run):
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copyfile(clip_files[".bin"], folder / "open_clip_pytorch_model.bin")
    config = {
        "model_cfg": {**open_clip.get_model_config("tiny-clip"), "quick_gelu": True},
        "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear"},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    code, errors = run("clip", "tiny-clip/", "--checkpoint", folder, "--vocabulary", "none", "--out", tmp_path / "b")
    assert code == 0, errors
    manifest = read_manifest(tmp_path / "b")
    assert (manifest["image"]["mean"], manifest["image"]["interpolation"]) == ([0.1, 0.2, 0.3], "bilinear")
    assert manifest["source"]["config"]["quick_gelu"] is True
    source = open_clip.create_model("tiny-clip", pretrained=str(clip_files[".bin"]), force_quick_gelu=True).eval()
    require_equal_features(tmp_path / "b", source, "tiny-clip", ["a cat", "a dog, detailed"])


@pytest.mark.parametrize(
    ("kind", "files", "said"),
    [
        ("clip", [], "holds no weights"),
        ("clip", ["readme.txt"], "holds no weights"),
        ("clip", ["a.bin", "b.pt"], "holds several files of weights (a.bin, b.pt)"),
        ("caption", ["config.json"], "holds no weights"),
        ("caption", ["open_clip_config.json", "open_clip_model.safetensors"], "is an open_clip model"),
    ],
)
def test_a_folder_without_weights_says_what_it_lacks(kind, files, said, tiny_clip, tmp_path, run):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in files:
        (folder / name).write_text('{"model_type": "blip"}')
    code, errors = run(kind, "tiny-clip/", "--checkpoint", folder, "--out", tmp_path / "b")
    assert code in (1, 2)
    assert said in errors[-1]


def test_a_captioners_file_instead_of_its_folder_says_so(tiny_blip, tmp_path, run):
    code, errors = run("caption", "own", "--checkpoint", tiny_blip[0] / "model.safetensors", "--out", tmp_path / "b")
    assert code == 2
    assert "is a file; name the folder" in errors[-1]


def test_a_captioner_in_the_hubs_cache_is_found(tiny_blip, tmp_path, run):
    cache = tmp_path / "models--me--blip"
    shutil.copytree(tiny_blip[0], cache / "snapshots" / ("c" * 40))
    code, errors = run("caption", "own", "--checkpoint", cache, "--out", tmp_path / "b")
    assert code == 0, errors
