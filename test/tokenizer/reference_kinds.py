"""What open_clip's wrapper of the hub's tokenizers makes of texts, for the tests in this folder.

Usage: python reference_kinds.py OUT
Reads OUT/jobs.json: [{name, folder, clean, stripSep, step, texts}]; null texts mean clip-interrogator's vocabulary, a
term in each `step`. Writes into OUT/name: texts.json, cleaned.json, ids.bin and offsets.bin (int32; without start and end,
uncut), whole.bin (int32, up to 1000 texts × 64: as towers get them), skip.json.
"""

import array
import json
import sys
import unicodedata
from pathlib import Path

from open_clip.tokenizer import HFTokenizer
from reference_clip import vocabulary

CONTEXT = 64


def write(out: Path, job: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    texts = vocabulary()[:: job["step"]] if job["texts"] is None else job["texts"]
    tokenizer = HFTokenizer(job["folder"], context_length=CONTEXT, clean=job["clean"], strip_sep_token=job["stripSep"])
    # A lone surrogate is no text to Rust; ftfy takes them out of all but what is ASCII apart from them.
    cleaned = [tokenizer.clean_fn(text) for text in texts]
    ids, offsets = array.array("i"), array.array("i", [0])
    for row in tokenizer.tokenizer(cleaned, add_special_tokens=False).input_ids:
        ids.extend(row)
        offsets.append(len(ids))
    skip = [i for i, text in enumerate(texts) if any(unicodedata.category(c) in ("Cn", "Cs") for c in cleaned[i] + text)]
    (out / "skip.json").write_text(json.dumps(skip), encoding="utf-8")
    (out / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    (out / "cleaned.json").write_text(json.dumps(cleaned), encoding="utf-8")
    (out / "ids.bin").write_bytes(ids.tobytes())
    (out / "offsets.bin").write_bytes(offsets.tobytes())
    (out / "whole.bin").write_bytes(tokenizer(texts[:1000]).numpy().astype("int32").tobytes())


def main() -> None:
    out = Path(sys.argv[1])
    for job in json.loads((out / "jobs.json").read_text(encoding="utf-8")):
        write(out / job["name"], job)


if __name__ == "__main__":
    main()
