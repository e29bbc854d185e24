"""Writes lib/tokenizer/clean/mojibake-characters.ts from ftfy's own tables: run it when ftfy is upgraded.

Usage: python make-clean-tables.py (from anywhere; needs ftfy)
"""

from pathlib import Path

from ftfy import chardata
from ftfy.badness import MOJIBAKE_CATEGORIES

FOLDER = Path(__file__).resolve().parents[2] / "lib" / "tokenizer" / "clean"
WIDTH = 110


def escaped(text: str) -> str:
    """As the inside of a single-quoted TypeScript string in ASCII."""
    out = []
    for char in text:
        code = ord(char)
        if char in "\\'":
            out.append("\\" + char)
        elif 0x20 <= code < 0x7F:
            out.append(char)
        elif code < 0x10000:
            out.append(f"\\u{code:04x}")
        else:
            out.append(f"\\u{{{code:x}}}")
    return "".join(out)


def ranges(characters: str) -> str:
    """The characters of a regular expression class, sorted and with runs as ranges."""
    points: set[int] = set()
    rest = list(characters)
    while rest:
        first = ord(rest.pop(0))
        last = first
        if len(rest) >= 2 and rest[0] == "-":
            rest.pop(0)
            last = ord(rest.pop(0))
        points.update(range(first, last + 1))
    runs: list[list[int]] = []
    for point in sorted(points):
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(chr(a) if a == b else chr(a) + (chr(b) if b == a + 1 else "-" + chr(b)) for a, b in runs)


def literal(text: str, indent: str) -> str:
    """A TypeScript expression for the text, over as many lines as it needs."""
    pieces, line = [], ""
    for char in text:
        part = escaped(char)
        if len(line) + len(part) > WIDTH:
            pieces.append(line)
            line = ""
        line += part
    pieces.append(line)
    joiner = "' +\n" + indent + "'"
    return "'" + joiner.join(pieces) + "'"


def write_classes() -> None:
    def table(name: str, doc: str, classes: dict[str, str]) -> str:
        rows = []
        for key, characters in classes.items():
            words = key.removeprefix("utf8_").split("_")
            camel = words[0] + "".join(w.capitalize() for w in words[1:])
            rows.append(f"  {camel}:\n    {literal(ranges(characters), '    ')},\n")
        return f"/** {doc} */\nexport const {name} = {{\n{''.join(rows)}}} as const;\n"

    (FOLDER / "mojibake-characters.ts").write_text(
        "/**\n"
        " * Which characters turn up in text that was read in the wrong encoding: the insides of regular expression "
        "classes.\n"
        " * The facts are ftfy 6.3.1's (see NOTICE). Written by test/tokenizer/make-clean-tables.py.\n"
        " */\n\n"
        + table("MOJIBAKE", "By how they are used in honest text.", MOJIBAKE_CATEGORIES)
        + "\n"
        + table("UTF8_AS", "By the UTF-8 bytes that they stand for in one of the code pages.", chardata.UTF8_CLUES),
        encoding="utf-8",
    )


if __name__ == "__main__":
    write_classes()
