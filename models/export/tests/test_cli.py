"""What the command line says to a command that cannot work: one line, and the right exit code."""

import json

import pytest
from conftest import TINY_CLIP

OUT = ("--out", "unwritten-bundle")
UNTRAINED = ("--untrained", *OUT)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "unwritten-bundle").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("clip", "ViT-B-33/", *UNTRAINED), 2, "open_clip knows no model 'ViT-B-33'; did you mean ViT-B-32"),
        (("clip", "ViT-B-32/", *OUT), 2, "names no pretrained tag: known are openai"),
        (("clip", "ViT-B-32/opneai", *OUT), 2, "has no pretrained tag 'opneai': known are openai"),
        (("clip", "ViT-B-32/openai", "--checkpoint", "gone.pt", *OUT), 2, "--checkpoint gone.pt does not exist"),
        (("clip", "ViT-B-32/openai", "--seed", "1", *OUT), 2, "--seed goes with --untrained"),
        (("clip", "mine/", "--config", "gone.json", *UNTRAINED), 2, "--config gone.json does not exist"),
        (("clip", "ViT-B-32/", "--config", TINY_CLIP, *UNTRAINED), 2, "open_clip already knows a model 'ViT-B-32'"),
        (("clip", "ViT-B-32/", "--device", "cuda:9", *UNTRAINED), 2, "--device cuda:9: torch finds no such device here"),
        (("caption", "blip-huge", *UNTRAINED), 2, "no built-in caption model 'blip-huge'; known are blip-base, blip-large"),
        (("caption", "git-huge", *OUT), 1, "caption model 'git-huge' is not supported yet"),
        (("caption", "mine", "--checkpoint", ".", *OUT), 2, "is no transformers model folder: it has no config.json"),
    ],
)
def test_a_command_that_cannot_work_ends_in_one_line(arguments, code, message, run):
    actual, errors = run(*arguments)
    assert (actual, len(errors)) == (code, 1), errors
    assert errors[0].startswith("error: ")
    assert message in errors[0]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("clip",),
        ("clip", "ViT-B-32/"),
        ("clip", "x/", "--checkpoint", "a", "--untrained", *OUT),
        ("clip", "x/", "--precision", "int8", *OUT),
        ("caption", "blip-base", "--config", "x", *OUT),
    ],
)
def test_usage_errors_exit_with_2(arguments, run):
    assert run(*arguments)[0] == 2


def test_without_a_network_the_way_out_is_named(run):
    for arguments in (("clip", "ViT-B-32/laion2b_s34b_b79k"), ("caption", "blip-base")):
        code, errors = run(*arguments, *OUT)
        assert code == 1
        assert "check the network, or give --checkpoint" in errors[-1]
        assert not any("Traceback" in line for line in errors)


def test_a_checkpoint_of_another_model_is_named(tiny_clip, tmp_path, run):
    import torch

    torch.save({"visual.proj": torch.zeros(3)}, tmp_path / "other.pt")
    code, errors = run("clip", "tiny-clip/", "--checkpoint", "other.pt", *OUT)
    assert code == 1
    assert "other.pt does not fit tiny-clip" in errors[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), (json.dumps({"embed_dim": 3}), "it needs embed_dim, vision_cfg and text_cfg")],
)
def test_a_config_that_is_none_is_named(text, message, tmp_path, run):
    (tmp_path / "c.json").write_text(text)
    code, errors = run("clip", "broken/", "--config", "c.json", *UNTRAINED)
    assert code == 2
    assert message in errors[-1]


def test_a_vocabulary_too_small_for_the_tokenizer_is_named(write_config, run):
    file = write_config("small-vocabulary", text_cfg={"vocab_size": 1000})
    code, errors = run("clip", "small-vocabulary/", "--config", file, *UNTRAINED)
    assert code == 1
    assert "vocab_size is 1000, fewer than the tokenizer's 49408 ids" in errors[-1]


def test_a_tokenizer_that_is_not_known_is_named(write_config, run):
    file = write_config("other-tokenizer", text_cfg={"hf_tokenizer_name": "somebody/words"})
    code, errors = run("clip", "other-tokenizer/", "--config", file, *UNTRAINED)
    assert code == 1
    assert "tokenizer 'somebody/words' is not supported yet" in errors[-1]


def test_a_text_tower_that_pools_elsewhere_is_named(write_config, run):
    file = write_config("pools-last", custom_text=True, text_cfg={"pool_type": "last"})
    code, errors = run("clip", "pools-last/", "--config", file, *UNTRAINED)
    assert code == 1
    assert "pools with 'last' instead of at the end token is not supported yet" in errors[-1]


def test_an_out_that_is_no_bundle_is_left_alone(tiny_clip, tmp_path, run):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    (tmp_path / "file").write_bytes(b"")
    for out in ("photos", "file"):
        code, _ = run("clip", "tiny-clip/", "--untrained", "--out", out)
        assert code == 2
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"cat"


def test_term_lists_come_from_the_folder_named(tiny_clip, tmp_path, run):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mediums.txt").write_text("a linocut\n")
    (tmp_path / "empty").mkdir()
    assert run("clip", "tiny-clip/", "--untrained", "--vocabulary", "lists", "--out", "b")[0] == 0
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["vocabulary"] == ["vocabulary/mediums.txt"]
    assert (tmp_path / "b" / "vocabulary" / "mediums.txt").read_text() == "a linocut\n"
    code, errors = run("clip", "tiny-clip/", "--untrained", "--vocabulary", "empty", *OUT)
    assert code == 2
    assert "holds no .txt lists" in errors[-1]


def test_debug_shows_the_stack(run):
    code, errors = run("clip", "ViT-B-33/", "--debug", *UNTRAINED)
    assert code == 2
    assert any("Traceback" in line for line in errors)
