"""What a parity test can ask of the reference."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import open_clip
import skimage
import torch
from clip_interrogator import Config, Interrogator
from clip_interrogator.clip_interrogator import LabelTable, _merge_tables
from judge import chain_margin
from mended import mended
from PIL import Image
from transformers import BlipForConditionalGeneration

from models import blip_processor, build_clip, make_blip, make_clip, tiny_captioners


@dataclass
class Session:
    """The loaded interrogator, and the image features computed so far."""

    interrogator: Interrogator | None = None
    features: dict[str, torch.Tensor] = field(default_factory=dict)

    def image_features(self, path: str) -> torch.Tensor:
        if path not in self.features:
            self.features[path] = self.interrogator.image_to_features(open_rgb(path))
        return self.features[path]


def open_rgb(path: str) -> Image.Image:
    return Image.open(path).convert("RGB")


def photographs(_session: Session) -> str:
    """The folder of real photographs that scikit-image's wheel carries."""
    return str(Path(skimage.__file__).parent / "data")


def vocabulary(_session: Session) -> str:
    """The folder of term lists in clip-interrogator's wheel."""
    return Config.data_path


def make_clip_checkpoint(_session: Session, file: str, clip: dict) -> str:
    make_clip(Path(file), **clip)
    return file


def make_blip_checkpoint(_session: Session, folder: str, size: str, seed: int, endless: bool = False) -> str:
    make_blip(Path(folder), size, seed, endless)
    return folder


def make_captioner(_session: Session, folder: str, kind: str, seed: int) -> str:
    tiny_captioners().make_tiny_captioner(kind, Path(folder), seed)
    return folder


# By model_type, a name with which clip-interrogator calls a captioner as it is called.
CAPTION_NAMES = {"blip": "blip-base", "blip-2": "blip2-2.7b", "git": "git-large-coco"}


def load_captioner(session: Session, clip: dict, folder: str, options: dict) -> None:
    """As `load`, with a captioner of any family, which has its processor in the folder."""
    load(session, clip, None, options)
    model, session.interrogator.caption_processor = tiny_captioners().load_tiny_captioner(Path(folder))
    session.interrogator.caption_model = model
    session.interrogator.config.caption_model_name = CAPTION_NAMES[model.config.model_type]


def caption_with(session: Session, path: str, options: dict, prompt: str | None = None) -> str:
    """A caption as clip-interrogator makes it, with more of generate's options, and a text that it goes on from."""
    interrogator = session.interrogator
    interrogator._prepare_caption()
    model, processor = interrogator.caption_model, interrogator.caption_processor
    inputs = processor(images=open_rgb(path), return_tensors="pt")
    if prompt is not None:
        inputs["input_ids"] = tiny_captioners().prompt_ids(model, processor, prompt)
    tokens = model.generate(**inputs, max_new_tokens=interrogator.config.caption_max_length, **options)
    return processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()


def load(session: Session, clip: dict, caption: str | None, options: dict) -> None:
    """Makes the Interrogator. clip: what build_clip takes; caption: a transformers folder; options: of Config.

    Without `caption` and with a caption_model_name among the options, clip-interrogator gets the captioner itself.
    """
    config = Config(**{"clip_model_name": clip["name"], "quiet": True, "device": "cpu", "download_cache": False} | options)
    config.clip_model, config.clip_preprocess = build_clip(**clip, device=config.device)
    if caption:
        dtype = torch.float16 if config.device == "cuda" else torch.float32
        config.caption_model = BlipForConditionalGeneration.from_pretrained(caption, torch_dtype=dtype).eval()
        config.caption_processor = blip_processor(Path(caption))
        config.caption_model_name = "blip-base"
    else:
        config.caption_model_name = options.get("caption_model_name")
    session.interrogator = Interrogator(config)
    session.features = {}


def image_features(session: Session, paths: list[str]) -> list[list[float]]:
    return [session.image_features(path)[0].tolist() for path in paths]


def text_features(session: Session, texts: list[str]) -> list[list[float]]:
    interrogator = session.interrogator
    with torch.no_grad():
        features = torch.cat(
            [
                interrogator.clip_model.encode_text(interrogator.tokenize(texts[start : start + 64]).to(interrogator.device))
                for start in range(0, len(texts), 64)
            ]
        )
        features /= features.norm(dim=-1, keepdim=True)
    return features.tolist()


def similarities(session: Session, path: str, texts: list[str]) -> list[float]:
    return session.interrogator.similarities(session.image_features(path), texts)


def caption_ids(session: Session, path: str) -> list[int]:
    """What generate returns as clip-interrogator calls it, the start token included."""
    interrogator = session.interrogator
    interrogator._prepare_caption()
    inputs = interrogator.caption_processor(images=open_rgb(path), return_tensors="pt")
    inputs = inputs.to(interrogator.device).to(interrogator.dtype)
    maximum = interrogator.config.caption_max_length
    return interrogator.caption_model.generate(**inputs, max_new_tokens=maximum)[0].tolist()


def caption(session: Session, path: str) -> str:
    return session.interrogator.generate_caption(open_rgb(path))


def _table(session: Session, name: str) -> LabelTable:
    interrogator = session.interrogator
    if name != "merged":
        return getattr(interrogator, name)
    names = ("artists", "flavors", "mediums", "movements", "trendings")
    return _merge_tables([getattr(interrogator, each) for each in names], interrogator)


def rank_table(session: Session, path: str, table: str, top: int, reverse: bool) -> list[str]:
    return _table(session, table).rank(session.image_features(path), top, reverse=reverse)


def merged_labels(session: Session) -> list[str]:
    return _table(session, "merged").labels


def rank_labels(session: Session, path: str, labels: list[str], top: int, reverse: bool) -> list[str]:
    table = LabelTable(list(labels), None, session.interrogator)
    return table.rank(session.image_features(path), top, reverse=reverse)


def label_similarities(session: Session, path: str, labels: list[str]) -> list[float]:
    """As ranking sees them: embeddings rounded to float16."""
    embeds = torch.tensor(text_features(session, labels)).half().float()
    return (session.image_features(path) @ embeds.T)[0].tolist()


def mode(session: Session, name: str, path: str, arguments: dict, corrected: bool = False) -> dict:
    """One of the reference's modes. Every winner that rank_top gave on the way is reported as `steps`.

    corrected: with its bugs mended, see mended.py.
    """
    interrogator, steps = session.interrogator, []
    rank_top = Interrogator.rank_top.__get__(interrogator)

    def recording(*positional, **named):
        winner = rank_top(*positional, **named)
        steps.append(str(winner))
        return winner

    interrogator.rank_top = recording
    try:
        method = "interrogate" if name == "best" else f"interrogate_{name}"
        with mended() if corrected else contextlib.nullcontext():
            prompt = getattr(interrogator, method)(open_rgb(path), **arguments)
    finally:
        del interrogator.rank_top
    return {"prompt": str(prompt), "steps": steps}


def judge_chain(
    session: Session, path: str, ours: str, theirs: str, start: str, steps: list[str], phrases: list[str]
) -> float:
    def similarity(text: str) -> float:
        return session.interrogator.similarity(session.image_features(path), text)

    return chain_margin(similarity, ours, theirs, start, steps, phrases)


def tokens(session: Session, texts: list[str]) -> list[list[int]]:
    return session.interrogator.tokenize(texts).tolist()


def versions(_session: Session) -> dict:
    from importlib.metadata import version

    return {name: version(name) for name in ("clip-interrogator", "open_clip_torch", "transformers", "torch")}


def list_pretrained(_session: Session) -> list[str]:
    return ["/".join(pair) for pair in open_clip.list_pretrained()]


CALLS = {
    each.__name__: each
    for each in (
        photographs,
        vocabulary,
        make_clip_checkpoint,
        make_blip_checkpoint,
        make_captioner,
        load,
        load_captioner,
        caption_with,
        image_features,
        text_features,
        similarities,
        caption_ids,
        caption,
        rank_table,
        merged_labels,
        rank_labels,
        label_similarities,
        mode,
        judge_chain,
        tokens,
        versions,
        list_pretrained,
    )
}
