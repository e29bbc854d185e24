"""What emoji mean: all their titles and keywords, from the lists of Unicode, emojilib and emojibase."""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from .download import fetch_package
from .sets import NAME_PACKAGES

_SPELT_OUT = str.maketrans({"*": "asterisk", "#": "hash", "’": "", "'": "", "_": " ", "-": " ", "ñ": "n", "é": "e"})
_NOISE = re.compile(r"[^a-z0-9 ]")
_SHORTCODES = ("joypixels", "github", "iamcal", "emojibase", "emojibase-legacy", "cldr")
# Kinds of titles: how much one is an emoji's own, most first.
_KINDS = _LABEL, _OFFICIAL, _SHORTCODE = range(3)


@dataclass(frozen=True)
class Meaning:
    """All titles of one emoji, its label first, and its keywords, most telling first as emojilib orders them."""

    titles: tuple[str, ...]
    keywords: tuple[str, ...]


def meaning(name: str, code: str | None = None) -> Meaning:
    """What an icon of this name shows, however its set writes it: `grinningface` is `grinning face`.

    `code`: its code points in hexadecimal, for names that no list has.
    """
    if known := _by_title().get(squeezed(name)):
        return known
    if code and (known := _emoji().get(_strip(code.upper()))):
        return Meaning(tuple(known[0]), tuple(known[1]))
    return Meaning((name,), ())


def squeezed(name: str) -> str:
    """A name without what its spellings differ in."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@lru_cache(maxsize=1)
def _by_title() -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    # An emoji's own title goes before what some chat calls another: `cat` is the cat, though GitHub's is the cat face.
    for kind in _KINDS:
        for titles, words in _emoji().values():
            for title, given in titles.items():
                if given == kind:
                    found.setdefault(squeezed(title), Meaning(tuple(titles), tuple(words)))
    return found


@lru_cache(maxsize=1)
def _emoji() -> dict[str, tuple[dict[str, int], list[str]]]:
    """By code points all titles of an emoji with their kinds, its label first, and its keywords."""
    titles: dict[str, dict[str, int]] = {}
    for character, entry in _read("unicode-emoji-json", "data-by-emoji.json").items():
        known = titles[_code(character)] = {_plain(entry["name"]): _LABEL}
        known.setdefault(_plain(entry["slug"]), _OFFICIAL)
    for entry in _read("emojibase-data", "en/data.json"):
        code = _strip(entry["hexcode"])
        known = titles.setdefault(code, {})
        known.setdefault(_plain(entry["label"]), _OFFICIAL if known else _LABEL)
        if "-" not in code and (character_name := unicodedata.name(chr(int(code, 16)), "")):
            # Unicode's own name of the character, which the older sets go by.
            known.setdefault(_plain(character_name), _OFFICIAL)
    for source in _SHORTCODES:
        for code, names in _read("emojibase-data", f"en/shortcodes/{source}.json").items():
            for name in [names] if isinstance(names, str) else names:
                if known := titles.get(_strip(code)):
                    known.setdefault(_plain(name), _SHORTCODE)
    emoji = {}
    for character, words in _read("emojilib", "dist/emoji-en-US.json").items():
        plain = list(dict.fromkeys(_plain(word) for word in words))
        known = titles.setdefault(_code(character), {})
        known.setdefault(plain[0], _OFFICIAL if known else _LABEL)
        known.pop("", None)
        emoji[_code(character)] = known, [word for word in plain if len(word) > 2]
    return emoji


def _read(package: str, file: str) -> dict:
    return json.loads((fetch_package(package, NAME_PACKAGES[package]) / file).read_text("utf-8"))


def _plain(text: str) -> str:
    return " ".join(_NOISE.sub(" ", text.lower().translate(_SPELT_OUT)).split())


def _code(character: str) -> str:
    return _strip("-".join(f"{ord(part):04X}" for part in character))


def _strip(code: str) -> str:
    # Sources disagree about the variation selector.
    return "-".join(part for part in code.split("-") if part != "FE0F")
