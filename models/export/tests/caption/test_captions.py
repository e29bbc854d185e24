"""Caption bundles against transformers itself."""

import shutil

import pytest
import torch
from make_tiny_blip import make_tiny_blip, tiny_config
from PIL import Image
from skimage import data
from sources import greedy
from tokenizers import Tokenizer
from transformers import BlipForConditionalGeneration, BlipImageProcessor

from torch_interrogator_export.caption.check import decode_along
from torch_interrogator_export.caption.families import builtin_config
from torch_interrogator_export.manifest import read_manifest

PHOTOS = ["astronaut", "chelsea", "coffee", "rocket"]


def photographs(processor: BlipImageProcessor) -> torch.Tensor:
    images = [Image.fromarray(getattr(data, name)()).convert("RGB") for name in PHOTOS]
    return processor(images, return_tensors="pt").pixel_values


def require_equal_captions(source, bundle) -> list[list[int]]:
    model = BlipForConditionalGeneration.from_pretrained(source).eval()
    manifest = read_manifest(bundle)
    vision, decoder = (torch.jit.load(str(bundle / name)) for name in ("vision.pt", "decoder.pt"))
    pixels = photographs(BlipImageProcessor.from_pretrained(source))
    embeds = vision(pixels)
    torch.testing.assert_close(embeds, model.vision_model(pixel_values=pixels).last_hidden_state, rtol=1e-4, atol=1e-4)
    together = greedy(decoder, manifest, embeds, 32)
    expected = model.generate(pixel_values=pixels, max_new_tokens=32, num_beams=1, do_sample=False)
    assert together == expected.tolist()
    for row in (0, len(PHOTOS) - 1):
        alone = greedy(decoder, manifest, vision(pixels[row : row + 1]), 32)
        assert alone == model.generate(pixel_values=pixels[row : row + 1], max_new_tokens=32).tolist()
    return together


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(tiny_config, id="two-layers"),
        pytest.param(lambda: tiny_config(text_heads=2, vision_heads=4, vision_width=32, layers=4), id="four-layers"),
    ],
)
def test_greedy_captions_equal_transformers(config, seed, tmp_path, run):
    with torch.inference_mode(False):
        make_tiny_blip(tmp_path / "source", seed, config())
    code, errors = run("caption", "own", "--checkpoint", tmp_path / "source", "--out", tmp_path / "bundle")
    assert code == 0, errors
    captions = require_equal_captions(tmp_path / "source", tmp_path / "bundle")
    assert max(len(set(caption)) for caption in captions) > 2, "a caption of one token repeated tests little"


def test_a_caption_that_ends_early_ends_where_transformers_ends_it(tmp_path, run):
    with torch.inference_mode(False):
        model = make_tiny_blip(tmp_path / "source", 1)
        pixels = photographs(BlipImageProcessor.from_pretrained(tmp_path / "source"))
        free = model.generate(pixel_values=pixels, max_new_tokens=32).tolist()
        # What the first image's caption says in its fifth word now ends every caption.
        model.config.text_config.sep_token_id = free[0][5]
        model.save_pretrained(tmp_path / "source")
    assert run("caption", "own", "--checkpoint", tmp_path / "source", "--out", tmp_path / "bundle")[0] == 0
    captions = require_equal_captions(tmp_path / "source", tmp_path / "bundle")
    assert captions[0].index(free[0][5]) <= 5
    assert captions[0][-1] == 0 or len(captions[0]) < 33


def test_several_ids_at_once_equal_one_at_a_time(tiny_blip):
    _, bundle = tiny_blip
    manifest = read_manifest(bundle)
    vision, decoder = (torch.jit.load(str(bundle / name)) for name in ("vision.pt", "decoder.pt"))
    embeds = vision(torch.randn(2, 3, 64, 64))
    ids = torch.randint(0, 30522, (2, 9))
    single = decode_along(decoder, manifest, embeds, [[*row, 0] for row in ids.tolist()])
    crossed = decoder.cross(embeds)
    keys = torch.full((2, 2, 4, 20, 8), float("nan"))
    values = keys.clone()
    torch.testing.assert_close(decoder.step(ids[:, :5], 0, keys, values, *crossed), single[:, 4], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(decoder.step(ids[:, 5:], 5, keys, values, *crossed), single[:, 8], rtol=1e-4, atol=1e-4)
    each = decoder.step_each(ids[:, 5:], 5, keys, values, *crossed)
    torch.testing.assert_close(each, single[:, 5:9], rtol=1e-4, atol=1e-4)
    # Written in place up to where decoding is, and not beyond.
    assert not keys[:, :, :, :9].isnan().any()
    assert keys[:, :, :, 9:].isnan().all()


def test_the_manifest_says_what_decoding_needs(tiny_blip):
    _, bundle = tiny_blip
    manifest = read_manifest(bundle)
    assert manifest["decoder"] == {
        "file": "decoder.pt",
        "vocabSize": 30524,
        "layers": 2,
        "heads": 4,
        "headDim": 8,
        "maxPositions": 64,
        "eosId": 102,
        "promptIds": [30522],
    }
    assert manifest["vision"]["size"] == [64, 64]
    assert (manifest["vision"]["interpolation"], manifest["vision"]["resizeMode"]) == ("bicubic", "squash")
    assert Tokenizer.from_file(str(bundle / "tokenizer.json")).decode([30522, 1037, 4937, 102]) == "a cat"


def test_a_checkpoints_own_image_processor_and_tokenizer_are_taken(tiny_blip, tmp_path, run):
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    processor = BlipImageProcessor(
        size={"height": 64, "width": 64}, image_mean=[0.1, 0.2, 0.3], image_std=[0.4, 0.5, 0.6], resample=2
    )
    processor.save_pretrained(source)
    (source / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fox"]) + "\n")
    (source / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')
    assert run("caption", "own", "--checkpoint", source, "--out", tmp_path / "bundle")[0] == 0
    vision = read_manifest(tmp_path / "bundle")["vision"]
    assert (vision["mean"], vision["std"], vision["interpolation"]) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6], "bilinear")
    assert Tokenizer.from_file(str(tmp_path / "bundle" / "tokenizer.json")).token_to_id("fox") == 5


def export_with_positions(positions, tmp_path, run):
    """A decoder of so many positions, as `source` and `bundle`."""
    config = tiny_config()
    config.text_config.max_position_embeddings = positions
    with torch.inference_mode(False):
        make_tiny_blip(tmp_path / "source", 0, config)
    code, errors = run("caption", "own", "--checkpoint", tmp_path / "source", "--out", tmp_path / "bundle")
    assert code == 0, errors


def test_as_many_positions_as_new_tokens_are_enough(tmp_path, run):
    export_with_positions(32, tmp_path, run)
    require_equal_captions(tmp_path / "source", tmp_path / "bundle")


def test_fewer_positions_than_new_tokens_export(tmp_path, run):
    export_with_positions(12, tmp_path, run)


@pytest.mark.parametrize("name", ["silu", "tanh", "gelu_new"])
def test_activations_of_other_names_equal_transformers(name, tmp_path, run):
    config = tiny_config()
    config.text_config.hidden_act = config.vision_config.hidden_act = name
    with torch.inference_mode(False):
        make_tiny_blip(tmp_path / "source", 0, config)
    code, errors = run("caption", "own", "--checkpoint", tmp_path / "source", "--out", tmp_path / "bundle")
    assert code == 0, errors
    require_equal_captions(tmp_path / "source", tmp_path / "bundle")


def test_a_rescale_factor_becomes_mean_and_deviation(tiny_blip, tmp_path, run):
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    processor = BlipImageProcessor(size={"height": 64, "width": 64}, rescale_factor=1 / 127.5, image_mean=[1, 1.1, 0.9])
    processor.save_pretrained(source)
    assert run("caption", "own", "--checkpoint", source, "--out", tmp_path / "bundle")[0] == 0
    vision = read_manifest(tmp_path / "bundle")["vision"]
    square = Image.fromarray(data.astronaut()).resize((64, 64))
    scaled = torch.tensor(list(square.getdata())).reshape(64, 64, 3) / 255
    ours = (scaled - torch.tensor(vision["mean"])) / torch.tensor(vision["std"])
    expected = processor(square, return_tensors="pt").pixel_values[0].permute(1, 2, 0)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("resample", [0, 1])
def test_a_resampling_that_no_bundle_can_have_is_refused(resample, tiny_blip, tmp_path, run):
    source = tmp_path / "source"
    shutil.copytree(tiny_blip[0], source)
    BlipImageProcessor(size={"height": 64, "width": 64}, resample=resample).save_pretrained(source)
    code, errors = run("caption", "own", "--checkpoint", source, "--out", tmp_path / "bundle")
    assert (code, "not supported" in errors[-1]) == (1, True)


@pytest.mark.parametrize(
    ("settings", "code"), [({"repetition_penalty": 1.5}, 1), ({"no_repeat_ngram_size": 2}, 1), ({"num_beams": 3}, 0)]
)
def test_settings_that_let_another_token_win_are_refused_and_beams_are_off(settings, code, tmp_path, run):
    config = tiny_config()
    config.text_config.update(settings)
    with torch.inference_mode(False):
        make_tiny_blip(tmp_path / "source", 0, config)
    result, errors = run("caption", "own", "--checkpoint", tmp_path / "source", "--out", tmp_path / "bundle")
    assert result == code, errors
    assert any("greedy" in line for line in errors)


def test_a_small_vocabulary_works(tmp_path, run):
    config = tiny_config()
    config.text_config.vocab_size = 200
    config.text_config.bos_token_id = 199
    with torch.inference_mode(False):
        make_tiny_blip(tmp_path / "source", 0, config)
    assert run("caption", "own", "--checkpoint", tmp_path / "source", "--out", tmp_path / "bundle")[0] == 0
    require_equal_captions(tmp_path / "source", tmp_path / "bundle")


def test_the_built_in_configurations_are_the_published_ones():
    base, large = builtin_config("blip-base"), builtin_config("blip-large")
    for config in (base, large):
        assert (config.text_config.num_attention_heads, config.text_config.vocab_size) == (12, 30524)
        assert (config.vision_config.image_size, config.vision_config.patch_size) == (384, 16)
    assert (base.vision_config.hidden_size, base.text_config.encoder_hidden_size) == (768, 768)
    assert (large.vision_config.hidden_size, large.text_config.encoder_hidden_size) == (1024, 1024)
    assert (large.vision_config.num_hidden_layers, large.vision_config.num_attention_heads) == (24, 16)
