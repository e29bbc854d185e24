"""Writes tokenizers of captioners in folders of their own, and what transformers makes of ids and texts: `… FOLDER`."""

import json
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "models" / "export" / "tests"))

from clip_interrogator import Config
from tiny_captioners import bert_tokenizer, opt_tokenizer, t5_tokenizer

TEXTS = [
    "a picture of", "it's 1920's café — don't !", "  two  spaces ", "a cat .", "日本語 text", "x ' s", "I'm they 've",
    "ﬁne ½ ™", "tab\tnew\nline", " leading", "🙂 ok",
]  # fmt: skip

NAMES = [
    "[SEP]",
    "[PAD]",
    "[CLS]",
    "[MASK]",
    "[UNK]",
    "<s>",
    "</s>",
    "<pad>",
    "<unk>",
    "<mask>",
    "<extra_id_0>",
    "<|endoftext|>",
]
TEXTS += [
    form
    for name in NAMES
    for form in (name, f"a {name} b", f"a{name}b", f"{name}{name} a", f"a picture of {name}", name.lower(), name.upper())
]


def older(tokenizer, folder: Path):
    """The same tokenizer from files of before tokenizer.json."""
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    tokenizer.save_vocabulary(str(folder))
    read = type(tokenizer).from_pretrained(folder)
    assert not (folder / "tokenizer.json").exists()
    return read


def main(folder: Path) -> None:
    chance = random.Random(1)
    terms = [
        line
        for name in ("flavors", "artists", "negative")
        for line in (Path(Config.data_path) / f"{name}.txt").read_text("utf-8").splitlines()
        if line.strip()
    ]
    makers = {"bert": bert_tokenizer, "opt": opt_tokenizer, "t5": t5_tokenizer}
    for kind in ("bert", "opt", "t5", "bert-vocab", "opt-vocab"):
        made = makers[kind.removesuffix("-vocab")]()
        tokenizer = older(made, folder / kind) if kind.endswith("-vocab") else made
        texts = [*TEXTS, *chance.sample(terms, 400)]
        ids = [[chance.randrange(len(tokenizer)) for _ in range(chance.randrange(1, 14))] for _ in range(600)]
        ids += [tokenizer(text).input_ids for text in texts]
        if tokenizer is made:
            tokenizer.save_pretrained(folder / kind)
        cases = {
            "decoded": [{"ids": row, "text": tokenizer.batch_decode([row], skip_special_tokens=True)[0]} for row in ids],
            "encoded": [{"text": text, "ids": tokenizer(text, add_special_tokens=False).input_ids} for text in texts],
        }
        (folder / kind / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
