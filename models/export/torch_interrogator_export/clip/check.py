"""A CLIP bundle against the open_clip model that it came from."""

from pathlib import Path
from typing import Any

import torch
from open_clip.tokenizer import get_clean_fn
from tokenizers import Tokenizer
from torch import nn

from ..difference import require_close
from ..errors import ExportError
from ..manifest import read_manifest
from . import operators  # noqa: F401  text.pt calls interrogator::tree_attention
from .text import BIDIRECTIONAL
from .tokenizer import content_ids
from .tree import build_tree

# Vocabulary terms as they are, prompts as a chain makes them, text beyond any context, and what people paste.
_TEXTS = [
    "by Greg Rutkowski",
    "a photo of a cat, trending on artstation",
    "a photo of a cat, trending on artstation, highly detailed, 8k",
    "A painting of a Woman in a RED dress, inspired by Élisabeth Sonrel",
    "",
    "it's 1920's café — naïve façade, 50% off!!! don't",
    "日本の浮世絵 🎨🖼️ émigré ﬁne ﬂow ½ №5 ｆｕｌｌ ＷＩＤＴＨ",
    "&amp;lt;b&amp;gt; tabs\tand\nnew lines   and spaces \u200b\u00a0 ſ 'ſ 'S",
    "sâ€™il vous plaÃ®t mojibake",
    "detailed, " * 120,
    "one two three four five six seven eight nine ten " * 20 + "!",
]


def check_clip(folder: Path, model: nn.Module, tokenizer: Any, device: str) -> None:
    """ExportError where the bundle in `folder` gives other tokens or features than `model` and `tokenizer`."""
    manifest = read_manifest(folder)
    texts = _TEXTS + _vocabulary_sample(folder, manifest)
    check_tokens(folder, manifest, tokenizer, texts)
    with torch.inference_mode():
        _check_images(folder, manifest, model, device)
        _check_texts(folder, manifest, model, tokenizer, texts, device)


def check_tokens(folder: Path, manifest: dict[str, Any], tokenizer: Any, texts: list[str]) -> None:
    """ExportError unless the bundle's tokenizer gives `tokenizer`'s ids for each text."""
    clean = get_clean_fn(manifest["tokenizer"]["clean"])
    ours = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
    for text in texts:
        actual = ours.encode(clean(text), add_special_tokens=False).ids
        if actual != content_ids(tokenizer, text):
            raise ExportError(f"the bundle is wrong: its tokenizer differs from open_clip's on {text[:60]!r}")


def _check_images(folder: Path, manifest: dict[str, Any], model: nn.Module, device: str) -> None:
    tower = torch.jit.load(str(folder / manifest["image"]["file"]), map_location=device).float().eval()
    generator = torch.Generator().manual_seed(0)
    for batch in (1, 3):
        pixels = torch.randn(batch, 3, *manifest["image"]["size"], generator=generator).to(device)
        expected = model.encode_image(pixels, normalize=True)
        require_close(f"image features of {batch}", tower(pixels), expected, manifest["precision"])


def _check_texts(
    folder: Path, manifest: dict[str, Any], model: nn.Module, tokenizer: Any, texts: list[str], device: str
) -> None:
    tower = torch.jit.load(str(folder / manifest["text"]["file"]), map_location=device).float().eval()
    padded = tokenizer(texts)
    expected = model.encode_text(padded.to(device), normalize=True)
    # Without padding; a tokenizer's end token may be its padding, too.
    sequences = [row[: row.index(manifest["text"]["eotId"]) + 1] for row in padded.tolist()]
    if manifest["text"]["tower"] == BIDIRECTIONAL:
        actual = torch.cat([tower(torch.tensor([sequence]).to(device)) for sequence in sequences])
        return require_close("text features", actual, expected, manifest["precision"])
    actual = extend_all(tower, sequences, 1, device)
    require_close("text features", actual, expected, manifest["precision"])
    # A chain step shares more than the start token: all but the last two ids of the longest text.
    longest = max(sequences, key=len)
    shared = len(longest) - 2
    actual = extend_all(tower, [longest], shared, device)
    require_close("text features after a long prefix", actual, expected[[sequences.index(longest)]], manifest["precision"])


def extend_all(tower: torch.jit.ScriptModule, sequences: list[list[int]], prefix: int, device: str) -> torch.Tensor:
    """Features of token sequences that share their first `prefix` ids, through prefill and extend."""
    keys, values = tower.prefill(torch.tensor(sequences[0][:prefix]).to(device))
    tree = [part.to(device) for part in build_tree(sequences, prefix)]
    return tower.extend(keys, values, *tree)


def _vocabulary_sample(folder: Path, manifest: dict[str, Any]) -> list[str]:
    sample: list[str] = []
    for path in manifest["vocabulary"]:
        lines = (folder / path).read_text(encoding="utf-8").splitlines()
        sample += lines[:: max(1, len(lines) // 20)]
    return sample
