"""Captioners of every family against transformers itself: image embeddings, greedy ids, texts to go on from."""

import pytest
import torch
from sources import greedy
from tiny_captioners import KINDS, NEW_TOKENS, load_tiny_captioner, make_tiny_captioner, prompt_ids
from tokenizers import Tokenizer

from torch_interrogator_export.caption.check import decode_along
from torch_interrogator_export.caption.families import HUB, builtin_config, family_of_name
from torch_interrogator_export.cli import main
from torch_interrogator_export.manifest import read_manifest

# As models/catalog.json has them.
PARAMETERS = {"blip2-2.7b": 3_744_761_856, "blip2-flan-t5-xl": 3_942_446_592, "git-large-coco": 394_196_026}


@pytest.fixture(scope="module", params=list(KINDS))
def captioner(request, tmp_path_factory):
    """(kind, transformers folder, bundle)"""
    folder = tmp_path_factory.mktemp(request.param)
    make_tiny_captioner(request.param, folder / "source", 3)
    assert main(["caption", "tiny", "--checkpoint", str(folder / "source"), "--out", str(folder / "bundle")]) == 0
    return request.param, folder / "source", folder / "bundle"


def modules(bundle):
    return (torch.jit.load(str(bundle / name)) for name in ("vision.pt", "decoder.pt"))


def pictures(count: int, manifest) -> torch.Tensor:
    coarse = torch.randn(count, 3, 4, 4) * 1.5
    return torch.nn.functional.interpolate(coarse, size=manifest["vision"]["size"], mode="bicubic")


def until_end(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids


@pytest.mark.parametrize("count", [1, 5])
def test_greedy_ids_equal_transformers(count, captioner):
    _, source, bundle = captioner
    model, _ = load_tiny_captioner(source)
    manifest = read_manifest(bundle)
    vision, decoder = modules(bundle)
    torch.manual_seed(3)
    pixels = pictures(count, manifest)
    theirs = model.generate(pixel_values=pixels, max_new_tokens=NEW_TOKENS, num_beams=1, do_sample=False).tolist()
    ours = greedy(decoder, manifest, vision(pixels), NEW_TOKENS)
    prefix, end = manifest["decoder"].get("prefixIds", []), manifest["decoder"]["eosId"]
    assert all(row[: len(prefix)] == prefix for row in theirs)
    assert [until_end(row, end) for row in ours] == [until_end(row[len(prefix) :], end) for row in theirs]


def test_captions_end_and_differ(captioner):
    _, source, bundle = captioner
    model, _ = load_tiny_captioner(source)
    manifest = read_manifest(bundle)
    torch.manual_seed(3)
    rows = model.generate(pixel_values=pictures(40, manifest), max_new_tokens=NEW_TOKENS, do_sample=False).tolist()
    assert len({tuple(row) for row in rows}) > 5
    assert len({row.index(manifest["decoder"]["eosId"]) for row in rows if manifest["decoder"]["eosId"] in row}) > 1


def test_several_ids_at_once_equal_one_at_a_time(captioner):
    _, _, bundle = captioner
    manifest = read_manifest(bundle)
    vision, decoder = modules(bundle)
    fields = manifest["decoder"]
    embeds = vision(pictures(2, manifest))
    ids = torch.randint(5, 400, (2, 9))
    single = decode_along(decoder, manifest, embeds, [[*row, 0] for row in ids.tolist()])
    crossed = decoder.cross(embeds)
    keys = torch.full((fields["layers"], 2, fields["heads"], 20, fields["headDim"]), float("nan"))
    values = keys.clone()
    torch.testing.assert_close(decoder.step(ids[:, :5], 0, keys, values, *crossed), single[:, 4], rtol=1e-4, atol=1e-4)
    each = decoder.step_each(ids[:, 5:], 5, keys, values, *crossed)
    torch.testing.assert_close(each, single[:, 5:9], rtol=1e-4, atol=1e-4)
    # Written in place up to where decoding is, and not beyond.
    assert not keys[:, :, :, :9].isnan().any()
    assert keys[:, :, :, 9:].isnan().all()


def test_a_caption_goes_on_from_a_text(captioner):
    kind, source, bundle = captioner
    model, processor = load_tiny_captioner(source)
    manifest = read_manifest(bundle)
    fields = manifest["decoder"]
    vision, decoder = modules(bundle)
    torch.manual_seed(3)
    pixels = pictures(1, manifest)
    given = prompt_ids(model, processor, "a picture of")
    (theirs,) = model.generate(pixel_values=pixels, input_ids=given.clone(), max_new_tokens=8, do_sample=False).tolist()
    words = processor.tokenizer("a picture of", add_special_tokens=False).input_ids
    if kind == "t5":
        text = torch.tensor([[*words, fields["encoderEndId"]]])
        crossed = decoder.cross_text(vision(pixels), text)
        assert crossed[0].shape[3] == given.shape[1]
        ids = list(fields["promptIds"])
    else:
        crossed = decoder.cross(vision(pixels))
        ids = [*fields["promptIds"], *words]
    start = len(ids)
    keys = torch.zeros(fields["layers"], 1, fields["heads"], 40, fields["headDim"])
    values = keys.clone()
    fed = 0
    while len(ids) < start + 8 and ids[-1] != fields["eosId"]:
        logits = decoder.step(torch.tensor([ids[fed:]]), fed, keys, values, *crossed)
        fed = len(ids)
        ids.append(int(logits.argmax()))
    assert [*fields.get("prefixIds", []), *ids] == until_end(theirs, fields["eosId"])


def test_the_tokenizer_decodes_as_transformers_does(captioner):
    _, source, bundle = captioner
    _, processor = load_tiny_captioner(source)
    manifest = read_manifest(bundle)
    tokenizer = Tokenizer.from_file(str(bundle / manifest["tokenizer"]["file"]))
    texts = ["a photo of a cat, trending on artstation", "it's 1920's café — don't !", "two dogs . and , one"]
    for text in texts:
        ids = processor.tokenizer(text).input_ids
        assert tokenizer.decode(ids) == processor.batch_decode([ids], skip_special_tokens=True)[0]


@pytest.mark.parametrize("name", list(PARAMETERS))
def test_published_configurations_have_the_published_number_of_parameters(name):
    family = family_of_name(name)
    with torch.device("meta"):
        model = family.model(builtin_config(name))
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]


def test_published_configurations_start_and_end_captions_as_transformers_does():
    def fields(name):
        family = family_of_name(name)
        with torch.device("meta"):
            return family.decoder_fields(family.model(builtin_config(name)))

    opt, t5, git = (fields(name) for name in PARAMETERS)
    assert (opt["eosId"], opt["promptIds"], opt["prefixIds"]) == (50118, [2], [50265] * 32)
    assert (t5["eosId"], t5["promptIds"], t5["encoderEndId"]) == (1, [0], 1)
    assert (git["eosId"], git["promptIds"]) == (102, [101])
    assert builtin_config("blip2-flan-t5-xl").text_config.dense_act_fn == "gelu"
    assert HUB["blip-large"] == "Salesforce/blip-image-captioning-large"
