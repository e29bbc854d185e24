"""Writes what the caption tests compare with: `python make_caption_cases.py FOLDER`.

`tables.tensors`: a decoder whose logits are a table's rows, and what transformers' generate makes of them. For each kind of
captioner a bundle, and `KIND.tensors`: what transformers' generate gives with the weights. A case is a row of numbers (see
`row`), and the ids of one image after the other.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
sys.path[:0] = [str(REPOSITORY / "models" / "export"), str(REPOSITORY / "models" / "export" / "tests")]

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from tiny_captioners import KINDS, load_tiny_captioner, make_tiny_captioner, prompt_ids  # noqa: E402
from torch_interrogator_export.cli import main as export  # noqa: E402
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel  # noqa: E402
from transformers.modeling_outputs import CausalLMOutput  # noqa: E402

IMAGES = 5
PROMPT = "a picture of"

Options = dict[str, float]


def row(options: Options, prompt: bool = False) -> list[float]:
    """max tokens, beams, min length, repetition penalty, n-gram size, whether there is a prompt"""
    return [
        options["max_new_tokens"], options.get("num_beams", 1), options.get("min_length", 0),
        options.get("repetition_penalty", 1.0), options.get("no_repeat_ngram_size", 0), float(prompt),
    ]  # fmt: skip


def new_ids(ids: list[int], begin: int, end: int) -> list[int]:
    """Without what generate began with, and padding."""
    ids = ids[begin:]
    return ids[: ids.index(end) + 1] if end in ids else ids


class Cases:
    """Rows, and the ids that each gives for each image."""

    def __init__(self):
        self.rows: list[list[float]] = []
        self.tensors: dict[str, torch.Tensor] = {}

    def add(self, options: Options, captions: list[list[int]], prompt: bool = False) -> None:
        for image, caption in enumerate(captions):
            self.tensors[f"ids{len(self.rows)}_{image}"] = torch.tensor(caption)
        self.rows.append(row(options, prompt))

    def save(self, file: Path) -> None:
        torch.save(self.tensors | {"rows": torch.tensor(self.rows, dtype=torch.float64)}, file)


class TableDecoder(torch.nn.Module):
    """Logits by a number that stands for the image and all ids so far, which it takes from the caches that it was given."""

    def __init__(self, table: torch.Tensor):
        super().__init__()
        self.register_buffer("table", table)

    @torch.jit.export
    def cross(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        keys = image[:, :1, :1].reshape(1, -1, 1, 1, 1)
        return keys, keys

    @torch.jit.export
    def step(
        self,
        ids: torch.Tensor,
        position: int,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> torch.Tensor:
        keys[0, :, 0, position : position + ids.shape[1], 0] = ids.to(keys.dtype)
        history = keys[0, :, 0, : position + ids.shape[1], 0].to(torch.long)
        return self.table[place_of(history, cross_keys[0, :, 0, 0, 0].to(torch.long), self.table.shape[0])]


def place_of(history: torch.Tensor, image: torch.Tensor, places: int) -> torch.Tensor:
    factors = torch.arange(history.shape[1]) * 37 + 11
    return ((history * factors).sum(1) + image * 101) % places


class TableModel(PreTrainedModel, GenerationMixin):
    """The same for transformers, which gives all ids each time."""

    config_class = PretrainedConfig

    def __init__(self, table: torch.Tensor, end: int):
        super().__init__(PretrainedConfig(vocab_size=table.shape[1], eos_token_id=end, bos_token_id=1, pad_token_id=0))
        self.generation_config = GenerationConfig(eos_token_id=end, bos_token_id=1, pad_token_id=0, use_cache=False)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.table = table

    def prepare_inputs_for_generation(self, input_ids: torch.Tensor, image: torch.Tensor, **_) -> dict:
        return {"input_ids": input_ids, "image": image}

    def forward(self, input_ids: torch.Tensor, image: torch.Tensor, **_) -> CausalLMOutput:
        return CausalLMOutput(logits=self.table[place_of(input_ids, image, len(self.table))].unsqueeze(1))


def table_cases(folder: Path) -> None:
    end, places, vocabulary = 5, 997, 40
    generator = torch.Generator().manual_seed(11)
    table = torch.randn(places, vocabulary, generator=generator) * 2
    table[:, end] += 1
    torch.jit.script(TableDecoder(table).eval()).save(str(folder / "table.pt"))
    model = TableModel(table, end).eval()
    cases = Cases()
    random = torch.Generator().manual_seed(12)

    def draw(values: list) -> float:
        return values[int(torch.randint(len(values), (1,), generator=random))]

    for _ in range(120):
        options = {
            "max_new_tokens": draw([1, 2, 3, 7, 20]),
            "num_beams": draw([1, 2, 3, 5, 20]),
            "min_length": draw([0, 0, 6, 30]),
            "repetition_penalty": draw([1.0, 1.0, 1.4, 0.7]),
            "no_repeat_ngram_size": draw([0, 0, 1, 2, 3]),
        }
        start = torch.ones(IMAGES, 1, dtype=torch.long)
        ids = model.generate(start, image=torch.arange(IMAGES), do_sample=False, **options).tolist()
        cases.add(options, [new_ids(each, 1, end) for each in ids])
    cases.save(folder / "tables.tensors")


FAMILY_OPTIONS: list[Options] = [
    {"max_new_tokens": 16},
    {"max_new_tokens": 4},
    {"max_new_tokens": 16, "num_beams": 3},
    {"max_new_tokens": 4, "num_beams": 3},
    *({"max_new_tokens": 16, "num_beams": beams, name: value} for beams in (1, 3) for name, value in (
        ("min_length", 12), ("repetition_penalty", 1.6), ("no_repeat_ngram_size", 2),
    )),
    *({"max_new_tokens": 16, "num_beams": beams, "min_length": 12, "repetition_penalty": 1.6, "no_repeat_ngram_size": 2}
      for beams in (1, 3)),
]  # fmt: skip


def smooth_image(generator: torch.Generator, size: tuple[int, int]) -> torch.Tensor:
    """uint8 [H, W, 3]"""
    coarse = torch.rand(1, 3, 4, 4, generator=generator) * 255
    fine = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 255)
    return fine[0].permute(1, 2, 0).to(torch.uint8).contiguous()


def family_cases(kind: str, folder: Path) -> None:
    source, bundle = folder / f"{kind}-source", folder / kind
    make_tiny_captioner(kind, source, 3)
    if export(["caption", f"tiny-{kind}", "--checkpoint", str(source), "--out", str(bundle)]):
        raise SystemExit(1)
    model, processor = load_tiny_captioner(source)
    text = model.config if kind == "git" else model.config.text_config
    end = text.sep_token_id if kind == "blip" else text.eos_token_id
    generator = torch.Generator().manual_seed(4)
    # Of shapes whose crop begins at halves, too.
    images = [
        smooth_image(generator, [(64, 64), (50, 91), (123, 40), (56, 59), (77, 200)][index]) for index in range(IMAGES)
    ]
    pixels = processor.image_processor([Image.fromarray(image.numpy(), "RGB") for image in images], return_tensors="pt")
    given = prompt_ids(model, processor, PROMPT)
    words = processor.tokenizer(PROMPT, add_special_tokens=False).input_ids
    cases = Cases()
    cases.tensors |= {f"image{index}": image for index, image in enumerate(images)}
    cases.tensors["prompt"] = torch.tensor(words)
    for prompt in (False, True):
        for options in FAMILY_OPTIONS:
            inputs = {"input_ids": given.repeat(IMAGES, 1)} if prompt else {}
            ids = model.generate(**pixels, **inputs, do_sample=False, **options).tolist()
            # generate's answer begins with what the decoder began with.
            begin = 1 if kind == "t5" or not prompt else len(words) + 1
            begin += model.config.num_query_tokens if kind == "opt" else 0
            cases.add(options, [new_ids(each, begin, end) for each in ids], prompt)
    cases.save(folder / f"{kind}.tensors")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with torch.no_grad():
        table_cases(target)
        for each in KINDS:
            family_cases(each, target)
