"""Small tokenizers of every kind that text towers have, as their repositories on the hub keep them.

`make_tokenizers.py FOLDER` trains them on clip-interrogator's term lists, one a folder: `bert`, `roberta`, `xlm-roberta`,
`mt5`, `nllb`, `siglip`, `gemma`, and beside them the same ones in older forms (`bert-vocab`, `roberta-vocab`,
`xlm-roberta-spm`, `mt5-spm`, `siglip-spm`), without tokenizer.json. SentencePiece's files are written here, as its
library is no part of the exporter's environment; the reference for them is what transformers' converter makes of such files
(convert_slow_tokenizer.py), made here with `tokenizers`.
"""

import functools
import json
import shutil
import struct
import sys
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    BertTokenizerFast,
    GemmaTokenizerFast,
    NllbTokenizerFast,
    RobertaTokenizerFast,
    T5TokenizerFast,
    XLMRobertaTokenizerFast,
)

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "test" / "tokenizer")]

from reference_clip import vocabulary  # noqa: E402

BLANK = "▁"
OTHER_LANGUAGES = [
    "日本語 の 漢字 かな カナ", "한국어 글자", "Привет мир, ё", "Ελληνικά γράμματα", "São Paulo às vezes não",
    "żółty koń Łódź", "naïve café résumé", "שלום עולם", "مرحبا بالعالم", "सुन्दर", "ไทย", "😀 👍🏽 ½ € … – “”", "ﬁ ＦＵＬＬ",
]  # fmt: skip


def corpus(step: int) -> list[str]:
    return [line for line in vocabulary()[::step] if line] + OTHER_LANGUAGES * 20


# --- SentencePiece's table of replacements -------------------------------------------------------------------------


def replacements() -> dict[bytes, bytes]:
    """As its nmt_nfkc: NFKC by characters and by composed pairs, controls away, all white space a blank."""
    rules: dict[str, str] = {}
    # Without Hangul and the large blocks of ideographs.
    for code in [*range(1, 0x3400), *range(0xF900, 0x10000), *range(0x1D400, 0x1D800), *range(0x1F100, 0x1F200)]:
        char = chr(code)
        normal = unicodedata.normalize("NFKC", char)
        if normal != char:
            rules[char] = " ".join(normal.split()) or " "
        decomposed = unicodedata.normalize("NFD", char)
        if len(decomposed) > 1 and unicodedata.normalize("NFC", decomposed) == char:
            rules[decomposed] = char
    for code in [*range(1, 9), 0x0B, *range(0x0E, 0x20), 0x7F, 0x8F, 0x9F]:
        rules[chr(code)] = ""
    for code in [9, 10, 12, 13, 0x1680, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]:
        rules[chr(code)] = " "
    return {key.encode(): value.encode() for key, value in rules.items()}


@functools.cache
def charsmap() -> bytes:
    """A double array as darts-clone lays it out, and the replacements that it leads to."""
    rules = replacements()
    strings, places = b"", {}
    for value in sorted(set(rules.values())):
        places[value] = len(strings)
        strings += value + b"\0"
    root: dict = {}
    for key, value in rules.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = places[value]
    units, taken, bases, blocks = {}, {0}, {0}, 1
    waiting = [(root, 0, 0)]
    while waiting:
        node, place, unit = waiting.pop()
        labels = [0 if label is None else label for label in node]
        # In the last blocks there is room for most nodes; what is free before them stays so.
        for base in range(max(blocks - 3, 0) * 256, (blocks + 1) * 256):
            if base not in bases and not any(base ^ label in taken for label in labels):
                break
        blocks = max(blocks, base // 256 + 1)
        bases.add(base)
        offset = place ^ base
        assert offset < 1 << 21
        units[place] = unit | offset << 10 | (1 << 8 if None in node else 0)
        taken.update(base ^ label for label in labels)
        for label, child in node.items():
            if label is None:
                units[base] = child | 1 << 31
            else:
                waiting.append((child, base ^ label, label))
    size = (max(units) // 256 + 1) * 256
    trie = struct.pack(f"<{size}I", *(units.get(place, 0) for place in range(size)))
    return struct.pack("<I", len(trie)) + trie + strings


# --- SentencePiece's model files -----------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def sentencepiece(pieces: list[tuple[str, float, int]], unknown: int) -> bytes:
    """sentencepiece_model.proto: pieces with score and type (1 normal, 2 unknown, 3 control)."""
    made = b"".join(
        field(1, field(1, text.encode()) + field(2, float(score)) + field(3, kind)) for text, score, kind in pieces
    )
    trainer = field(3, 1) + field(4, len(pieces)) + field(40, unknown) + field(45, b"<unk>")
    return made + field(2, trainer) + field(3, field(1, b"nmt_nfkc") + field(2, charsmap()) + field(3, 1))


# --- The kinds -----------------------------------------------------------------------------------------------------


def single(value: float) -> float:
    """Scores are float32 in SentencePiece's files."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def unigram_pieces() -> list[tuple[str, float]]:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = spm_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        corpus(4), trainers.UnigramTrainer(vocab_size=6000, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    )
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [(piece, single(score)) for piece, score in pieces if piece != "<unk>"]


def spm_normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence(
        [
            normalizers.Precompiled(charsmap()),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), BLANK),
        ]
    )


def spm_tokenizer(vocab: list[tuple[str, float]], unknown: int, scheme: str, controls: list[str]) -> Tokenizer:
    """As SpmConverter of transformers makes it."""
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=unknown, byte_fallback=False))
    tokenizer.add_tokens([AddedToken(control, normalized=False, special=True) for control in controls])
    tokenizer.normalizer = spm_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme=scheme)
    return tokenizer


def save(tokenizer, folder: Path) -> None:
    """What transformers keeps in a repository, the wrapper's own template for special tokens included."""
    tokenizer.save_pretrained(folder)


def t5(folder: Path, pieces: list[tuple[str, float]], *, legacy: bool, pad: str) -> None:
    from tokenizers import processors

    whole = [("<pad>", 0.0, 3), ("</s>", 0.0, 3), ("<unk>", 0.0, 2), *((piece, score, 1) for piece, score in pieces)]
    vocab = [(piece, score) for piece, score, _ in whole]
    tokenizer = spm_tokenizer(vocab, 2, "always" if legacy else "first", ["<pad>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single=["$A", "</s>"], special_tokens=[("</s>", 1)])
    save(T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0, pad_token=pad), folder)
    older = folder.with_name(f"{folder.name}-spm")
    older.mkdir()
    (older / "spiece.model").write_bytes(sentencepiece(whole, 2))
    (older / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 0, "legacy": legacy, "pad_token": pad}))


def xlm_roberta(folder: Path, pieces: list[tuple[str, float]]) -> None:
    from tokenizers import processors

    first = ["<s>", "<pad>", "</s>", "<unk>"]
    vocab = [*((token, 0.0) for token in first), *pieces, ("<mask>", 0.0)]
    tokenizer = spm_tokenizer(vocab, 3, "always", ["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    save(XLMRobertaTokenizerFast(tokenizer_object=tokenizer), folder)
    older = folder.with_name(f"{folder.name}-spm")
    older.mkdir()
    whole = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), *((piece, score, 1) for piece, score in pieces)]
    (older / "sentencepiece.bpe.model").write_bytes(sentencepiece(whole, 0))


def word_bpe(size: int) -> tuple[dict[str, int], list]:
    """Merges within words that begin with a blank, as SentencePiece learns them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always")
    tokenizer.train_from_iterator(corpus(8), trainers.BpeTrainer(vocab_size=size, show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def nllb(folder: Path, vocab: dict[str, int], merges: list) -> None:
    first = ["<s>", "<pad>", "</s>", "<unk>"]
    whole = {token: place for place, token in enumerate([*first, *sorted(vocab, key=vocab.get)])}
    tokenizer = Tokenizer(models.BPE(whole, merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always")
    tokenizer.save(str(folder / "made.json"))
    save(NllbTokenizerFast(tokenizer_file=str(folder / "made.json"), src_lang="eng_Latn"), folder)
    (folder / "made.json").unlink()


def gemma(folder: Path, vocab: dict[str, int], merges: list) -> None:
    first = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    # Of the characters of other languages some are left to their bytes.
    dropped = {token for token in vocab if len(token) == 1 and ord(token) > 0x3000 and ord(token) % 2}
    kept = [token for token in sorted(vocab, key=vocab.get) if not dropped & set(token)]
    runs = [BLANK * length for length in (2, 3, 4)]
    whole = {token: place for place, token in enumerate(dict.fromkeys([*first, *runs, *kept]))}
    known = [merge for merge in merges if all(part in whole for part in (*merge, "".join(merge)))]
    tokenizer = Tokenizer(models.BPE(whole, known, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.add_tokens([AddedToken(run, normalized=False) for run in runs])
    tokenizer.normalizer = normalizers.Replace(" ", BLANK)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.save(str(folder / "made.json"))
    save(
        GemmaTokenizerFast(
            tokenizer_file=str(folder / "made.json"), add_bos_token=False, add_eos_token=True, padding_side="right"
        ),
        folder,
    )
    (folder / "made.json").unlink()


def roberta(folder: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        corpus(8),
        trainers.BpeTrainer(vocab_size=8000, special_tokens=specials, initial_alphabet=alphabet, show_progress=False),
    )
    older = folder.with_name(f"{folder.name}-vocab")
    older.mkdir()
    tokenizer.model.save(str(older))
    save(RobertaTokenizerFast(vocab_file=str(older / "vocab.json"), merges_file=str(older / "merges.txt")), folder)


def bert(folder: Path) -> None:
    words = ROOT / "models" / "export" / "torch_interrogator_export" / "data" / "bert-base-uncased-vocab.txt"
    save(BertTokenizerFast(vocab_file=str(words)), folder)
    older = folder.with_name(f"{folder.name}-vocab")
    older.mkdir()
    shutil.copy(words, older / "vocab.txt")


def main() -> None:
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    for name in ("bert", "roberta", "xlm-roberta", "mt5", "siglip", "nllb", "gemma"):
        (out / name).mkdir(parents=True)
    bert(out / "bert")
    roberta(out / "roberta")
    pieces = unigram_pieces()
    xlm_roberta(out / "xlm-roberta", pieces)
    t5(out / "mt5", pieces, legacy=True, pad="<pad>")
    t5(out / "siglip", pieces, legacy=False, pad="</s>")
    words = word_bpe(6000)
    nllb(out / "nllb", *words)
    gemma(out / "gemma", *words)
    # The last file, which says that all are there.
    (out / "README.md").write_text("# Small tokenizers\n")


if __name__ == "__main__":
    main()
