"""What open_clip's tokenizer makes of texts, for the tests in this folder.

Usage: python reference_clip.py OUT
Reads OUT/jobs.json: [{name, clean, texts}]; null texts mean every line of clip-interrogator's vocabulary. Writes into
OUT/name: tokenizer.json (the exporter's), texts.json, cleaned.json, ids.bin and offsets.bin (int32), and skip.json, the
texts with characters that this Python's Unicode does not know: engines of different age treat those differently.
"""

import array
import importlib.util
import json
import sys
import unicodedata
from pathlib import Path

import open_clip.tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "export"))
from torch_interrogator_export.clip import tokenizer as clip_bpe

# As the reference composes them.
SITES = [
    "Artstation", "behance", "cg society", "cgsociety", "deviantart", "dribble", "flickr", "instagram", "pexels",
    "pinterest", "pixabay", "pixiv", "polycount", "reddit", "shutterstock", "tumblr", "unsplash", "zbrush central",
]  # fmt: skip


def vocabulary() -> list[str]:
    data = Path(importlib.util.find_spec("clip_interrogator").origin).parent / "data"

    def lines(name: str) -> list[str]:
        return [line.strip() for line in (data / name).read_text(encoding="utf-8", errors="replace").splitlines()]

    artists = lines("artists.txt")
    trendings = [t.format(site) for t in ("{}", "trending on {}", "featured on {}", "{} contest winner") for site in SITES]
    return (
        [f"by {artist}" for artist in artists]
        + [f"inspired by {artist}" for artist in artists]
        + lines("flavors.txt")
        + lines("mediums.txt")
        + lines("movements.txt")
        + trendings
        + lines("negative.txt")
    )


def write(out: Path, clean: str, texts: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = open_clip.tokenizer.SimpleTokenizer(clean=clean)
    clip_bpe.write_tokenizer(tokenizer, out / "tokenizer.json")
    ids, offsets, cleaned = array.array("i"), array.array("i", [0]), []
    for text in texts:
        cleaned.append(tokenizer.clean_fn(text))
        ids.extend(tokenizer.encode(text))
        offsets.append(len(ids))
    skip = [i for i, text in enumerate(texts) if any(unicodedata.category(c) == "Cn" for c in text + cleaned[i])]
    (out / "skip.json").write_text(json.dumps(skip), encoding="utf-8")
    (out / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    (out / "cleaned.json").write_text(json.dumps(cleaned), encoding="utf-8")
    (out / "ids.bin").write_bytes(ids.tobytes())
    (out / "offsets.bin").write_bytes(offsets.tobytes())


def main() -> None:
    out = Path(sys.argv[1])
    for job in json.loads((out / "jobs.json").read_text(encoding="utf-8")):
        write(out / job["name"], job["clean"], job["texts"] or vocabulary())


if __name__ == "__main__":
    main()
