"""Writes what the core's model tests compare with: `python make_model_cases.py FOLDER`.

Small bundles from the exporter, and what open_clip and transformers themselves answer on the same weights, as one
dictionary of tensors a file (torch.save, which libtorch reads).
"""

import json
import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
sys.path[:0] = [str(REPOSITORY / "models" / "export"), str(REPOSITORY / "models" / "export" / "tests")]

import open_clip  # noqa: E402
import torch  # noqa: E402
from make_tiny_blip import make_tiny_blip  # noqa: E402
from PIL import Image  # noqa: E402
from torch_interrogator_export.cli import main as export  # noqa: E402
from transformers import BlipForConditionalGeneration, BlipImageProcessor, XLMRobertaConfig, XLMRobertaModel  # noqa: E402

SOT, EOT, CONTEXT = 49406, 49407, 77
CLIP_CONFIG = REPOSITORY / "models" / "export" / "tests" / "data" / "tiny-clip.json"


def run(*arguments: str) -> None:
    code = export([str(argument) for argument in arguments])
    if code:
        raise SystemExit(code)


def smooth_images(count: int) -> list[torch.Tensor]:
    """uint8 [H, W, 3], smooth so that images differ by more than noise, in several shapes."""
    generator = torch.Generator().manual_seed(5)
    made = []
    for index in range(count):
        coarse = torch.rand(1, 3, 4, 4, generator=generator) * 255
        size = [(64, 64), (50, 90), (120, 40)][index % 3]
        fine = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 255)
        made.append(fine[0].permute(1, 2, 0).to(torch.uint8).contiguous())
    return made


def pil(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.numpy(), "RGB")


def token_lists() -> list[list[int]]:
    """Shared beginnings, an equal pair, the empty text, lengths around the context and beyond it."""
    generator = torch.Generator().manual_seed(7)

    def some(count: int) -> list[int]:
        return torch.randint(1, 40000, (count,), generator=generator).tolist()

    stems = [some(3), some(6), some(20)]
    texts = [stem[: 1 + index % len(stem)] + some(index % 4) for index in range(30) for stem in stems]
    long = some(120)
    return [*texts, [], long[:74], long[:75], long[:76], long, texts[4], texts[4], texts[2]]


def padded(prefix: list[int], texts: list[list[int]]) -> torch.Tensor:
    """The ids as open_clip's tokenizer lays them out."""
    rows = torch.zeros(len(texts), CONTEXT, dtype=torch.long)
    for row, text in zip(rows, texts, strict=True):
        ids = [SOT, *prefix, *text, EOT]
        if len(ids) > CONTEXT:
            ids = ids[:CONTEXT]
            ids[-1] = EOT
        row[: len(ids)] = torch.tensor(ids)
    return rows


def clip_cases(folder: Path) -> None:
    bundle = folder / "clip"
    run("clip", "tiny-clip/", "--config", CLIP_CONFIG, "--untrained", "--seed", 1, "--vocabulary", "none", "--out", bundle)
    open_clip.add_model_config(CLIP_CONFIG)
    torch.manual_seed(1)
    model = open_clip.create_model("tiny-clip").eval()
    preprocess = open_clip.image_transform(model.visual.image_size, is_train=False)
    images, texts = smooth_images(5), token_lists()
    cases = {f"image{index}": image for index, image in enumerate(images)}
    cases["image_features"] = model.encode_image(torch.stack([preprocess(pil(image)) for image in images]), normalize=True)
    cases["ids"] = torch.tensor([token for text in texts for token in text])
    cases["offsets"] = torch.tensor([sum(map(len, texts[:count])) for count in range(len(texts) + 1)])
    prefix = texts[-4][:100]
    for length in (0, 5, 74, 75, 76, 100):
        cases[f"prefix{length}"] = torch.tensor(prefix[:length], dtype=torch.long)
        cases[f"text_features{length}"] = model.encode_text(padded(prefix[:length], texts), normalize=True)
    torch.save(cases, folder / "clip.tensors")


class BidirectionalText(torch.nn.Module):
    """A text tower of transformers as open_clip puts it together: mean pooling, a projection, unit rows."""

    def __init__(self):
        super().__init__()
        config = XLMRobertaConfig(
            vocab_size=300, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, pad_token_id=1
        )
        config._attn_implementation = "eager"
        self.tower = XLMRobertaModel(config, add_pooling_layer=False)
        self.projection = torch.nn.Linear(32, 32, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.tower(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return torch.nn.functional.normalize(self.projection(hidden.mean(1)), dim=-1)


def bidirectional_cases(folder: Path, name: str, start: int | None) -> None:
    """The CLIP bundle with another text tower, and what that makes of each text alone."""
    end, context = 2, 24
    bundle = folder / name
    shutil.copytree(folder / "clip", bundle)
    torch.manual_seed(9)
    tower = BidirectionalText().eval()
    torch.jit.trace(tower, torch.randint(3, 300, (2, 6)), check_trace=False).save(bundle / "text.pt")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["text"] |= {
        "tower": "bidirectional", "vocabSize": 300, "contextLength": context, "sotId": start, "eotId": end, "padId": 1,
    }  # fmt: skip
    (bundle / "manifest.json").write_text(json.dumps(manifest))

    # To such a tower an end token inside of a text is a token like others.
    texts = [torch.randint(2, 300, (index % 27,)).tolist() for index in range(60)]
    texts += [texts[5], texts[8], texts[5], [9, end, 7]]
    cases = {
        "ids": torch.tensor([token for text in texts for token in text]),
        "offsets": torch.tensor([sum(map(len, texts[:count])) for count in range(len(texts) + 1)]),
    }
    for prefix in ([], [7, 8, 9], list(range(10, 40))):
        first = [] if start is None else [start]
        whole = [[*first, *prefix, *text][: context - 1] + [end] for text in texts]
        cases[f"prefix{len(prefix)}"] = torch.tensor(prefix, dtype=torch.long)
        cases[f"text_features{len(prefix)}"] = torch.cat([tower(torch.tensor([ids])) for ids in whole])
    torch.save(cases, folder / f"{name}.tensors")


def captions(model: BlipForConditionalGeneration, pixels: torch.Tensor, count: int) -> list[list[int]]:
    """Greedy captions by transformers, without prompt and padding. An image alone, so that batches are put to the test."""
    end = model.config.text_config.sep_token_id
    made = []
    for image in pixels:
        ids = model.generate(pixel_values=image.unsqueeze(0), max_new_tokens=count, num_beams=1, do_sample=False)[0].tolist()
        ids = ids[1:]
        made.append(ids[: ids.index(end) + 1] if end in ids else ids)
    return made


def end_bias(model: BlipForConditionalGeneration, pixels: torch.Tensor, count: int) -> float:
    """What the end token's logit needs so that captions end at as many different lengths as they can.

    Untrained weights hardly ever choose it. A bias leaves the other tokens' order alone, so a caption is cut where the
    best token leads the end token by less than the bias.
    """
    end = model.config.text_config.sep_token_id
    leads = []
    for image, caption in zip(pixels, captions(model, pixels, count), strict=True):
        start = [model.config.text_config.bos_token_id]
        logits = model(pixel_values=image.unsqueeze(0), input_ids=torch.tensor([start + caption])).logits[0, :-1]
        leads.append(logits.max(dim=1).values - logits[:, end])

    def lengths(bias: float) -> int:
        ends = [(lead < bias).nonzero() for lead in leads]
        return len({int(found[0]) if len(found) else count for found in ends})

    biases = [float(lead) + 1e-3 for lead in torch.cat(leads)]
    best = max(biases, key=lengths)
    if lengths(best) < 3:
        raise SystemExit("the captions do not end at three different lengths; change the seed")
    return best


def caption_cases(folder: Path) -> None:
    images = smooth_images(7)
    cases = {f"image{index}": image for index, image in enumerate(images)}
    source = folder / "caption-source"
    model = make_tiny_blip(source)
    processor = BlipImageProcessor.from_pretrained(source)
    pixels = torch.cat([processor(pil(image), return_tensors="pt").pixel_values for image in images])
    model.text_decoder.cls.predictions.bias[model.config.text_config.sep_token_id] += end_bias(model, pixels, 40)
    model.save_pretrained(source)
    run("caption", "tiny-blip", "--checkpoint", source, "--out", folder / "caption")
    for count in (1, 12, 40):
        for index, caption in enumerate(captions(model, pixels, count)):
            cases[f"caption{count}_{index}"] = torch.tensor(caption)
    torch.save(cases, folder / "caption.tensors")

    # Every logit the same: what a tie gives.
    model.text_decoder.bert.embeddings.word_embeddings.weight.data.zero_()
    model.text_decoder.cls.predictions.bias.data.zero_()
    model.save_pretrained(folder / "tied-source")
    processor.save_pretrained(folder / "tied-source")
    run("caption", "tied-blip", "--checkpoint", folder / "tied-source", "--out", folder / "tied-caption")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with torch.no_grad():
        clip_cases(target)
        bidirectional_cases(target, "bidirectional", start=0)
        bidirectional_cases(target, "bidirectional-without-start", start=None)
        caption_cases(target)
