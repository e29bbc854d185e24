"""What of clip-interrogator is timed: its own methods, as a user calls them. The clock stands still before and after."""

import hashlib
from collections.abc import Callable
from time import perf_counter
from typing import Any

import calls
import numpy as np
import open_clip
import torch
from calls import Session, caption, open_rgb, rank_table
from clip_interrogator.clip_interrogator import LabelTable
from towers import tower_caption, tower_images, tower_texts


def image_features(session: Session, path: str) -> None:
    session.interrogator.image_to_features(open_rgb(path))


def label_table(session: Session, labels: list[str]) -> None:
    LabelTable(list(labels), None, session.interrogator)


def chain(session: Session, path: str, phrases: list[str], prompt: str, similarity: float) -> str:
    """One step. The image's features are computed before, by an untimed call."""
    features = session.image_features(path)
    return session.interrogator.chain(features, phrases, prompt, similarity, min_count=1, max_count=1)


def prompts(session: Session, mode: str, paths: list[str], caption: str) -> list[str]:
    interrogate = getattr(session.interrogator, f"interrogate_{mode}")
    return [interrogate(open_rgb(path), caption=caption) for path in paths]


OF_CLIP_INTERROGATOR = (image_features, label_table, rank_table, chain, caption, prompts)
TIMED = {each.__name__: each for each in (*OF_CLIP_INTERROGATOR, tower_images, tower_texts, tower_caption)}


def timed(session: Session, work: str, arguments: dict) -> dict[str, Any]:
    """Seconds that one of TIMED takes, and its result."""
    seconds, result = clocked(lambda: TIMED[work](session, **arguments))
    return {"seconds": seconds, "result": result}


def timed_tokenize(session: Session) -> dict[str, Any]:
    """All labels of the merged tables, by a tokenizer that has seen none of them. Its result: a digest of the padded ids."""
    labels = calls._table(session, "merged").labels
    config = session.interrogator.config
    tokenizer = open_clip.get_tokenizer(config.clip_model_name.split("/")[0])
    size = config.chunk_size
    seconds, batches = clocked(lambda: [tokenizer(labels[start : start + size]) for start in range(0, len(labels), size)])
    digest = hashlib.sha256(torch.cat(batches).numpy().astype(np.int32).tobytes()).hexdigest()
    return {"seconds": seconds, "result": digest}


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that some work takes, on the GPU too, and its result."""
    wait = torch.cuda.synchronize if torch.cuda.is_initialized() else lambda: None
    wait()
    began = perf_counter()
    result = work()
    wait()
    return perf_counter() - began, result
