"""What transformers' BERT tokenizer decodes random ids to, for the tests in this folder.

Usage: python reference_caption.py OUT
Writes tokenizer.json as the exporter does and cases.json: [{ids, text}].
"""

import json
import random
import sys
import tempfile
from pathlib import Path

from transformers import BertTokenizerFast

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "export"))
from torch_interrogator_export.caption import tokenizer as wordpiece


def main() -> None:
    out = Path(sys.argv[1])
    wordpiece.write_tokenizer(None, out / "tokenizer.json", wordpiece.bert_uncased())
    tokenizer = BertTokenizerFast(tokenizer_file=str(out / "tokenizer.json"))
    tokenizer.save_pretrained(tempfile.mkdtemp())
    captions = [
        "a photograph of a cat sitting on a mat.",
        "it's a dog's life, isn't it? don't! we've, they're, i'm",
        "the man ' s hat . . . and 3 . 5 , ok ? ! - dash - well-known 'quoted' do not",
        "éclair naïve 漢字 😀 unknownwordzzz",
        "( a ) [ b ] n't 's 've 're 'm ' ' '",
    ]
    cases = [tokenizer.encode(text) for text in captions]
    generator = random.Random(5)
    size = len(tokenizer)
    common = [
        i
        for t in [
            ".",
            "?",
            "!",
            ",",
            "'",
            "n",
            "'",
            "t",
            "s",
            "m",
            "ve",
            "re",
            "do",
            "not",
            "a",
            "the",
            "##s",
            "##t",
            "##'s",
        ]
        for i in [tokenizer.convert_tokens_to_ids(t)]
    ]
    for _ in range(3000):
        cases.append(
            [
                generator.choice(common) if generator.random() < 0.5 else generator.randrange(size)
                for _ in range(generator.randrange(0, 33))
            ]
        )
    texts = tokenizer.batch_decode(cases, skip_special_tokens=True)
    assert texts[0] == tokenizer.batch_decode([cases[0]], skip_special_tokens=True)[0]
    (out / "cases.json").write_text(
        json.dumps([{"ids": ids, "text": text} for ids, text in zip(cases, texts, strict=True)]), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
