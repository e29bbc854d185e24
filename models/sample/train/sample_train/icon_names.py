"""What icons are called: keywords of a name, its article, and whether its mirror image is still it."""

import json
import re

from .paths import CONFIG, WORK
from .render import Sprites

_DIRECTED = re.compile(
    r"left|right|letter|button|clock|thirty|keycap|arrow|facing|slash|mark|sign|symbol|moon|note|badge|score|"
    r"clockwise|calendar|dollar|yen|euro|pound|chart|abc|number|input|flag|play|fast|rewind"
)
_PLURAL = re.compile(r"(s|children|men|women|people|dice|chess|hair|haired|fries|hands|bald)$")
_SINGULAR = re.compile(r"(ss|us|compass|cactus|octopus|bus|glass|dress|cross|grapes)$")
_NOISE = re.compile(r"[^a-z ]")


def is_mirrorable(name: str) -> bool:
    """Whether an icon of this name may be mirrored and keep it."""
    return not _DIRECTED.search(name)


def with_article(name: str) -> str:
    """`apple` → `an apple`; plurals and things without a singular stay bare."""
    if _PLURAL.search(name) and not _SINGULAR.search(name):
        return name
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def known_names(sprites: list[Sprites]) -> list[str]:
    """What both models learn: the names of config/names.txt. ValueError for one that some of these sets does not draw."""
    names = (CONFIG / "names.txt").read_text("utf-8").split("\n")[:-1]
    for stock in sprites:
        missing = sorted(set(names) - set(stock.names))
        if missing:
            raise ValueError(f"config/names.txt: {stock.icons.package} draws no {', '.join(missing)}")
    return names


def load_keywords() -> dict[str, list[str]]:
    """Keywords by name, most telling first as emojilib orders them: `red apple` → fruit, apple, …"""
    keywords = json.loads((WORK / "node_modules/emojilib/dist/emoji-en-US.json").read_text("utf-8"))
    emoji = json.loads((WORK / "node_modules/unicode-emoji-json/data-by-emoji.json").read_text("utf-8"))
    found: dict[str, list[str]] = {}
    for character, words in keywords.items():
        plain = [word.replace("_", " ").lower() for word in words]
        known = [word for word in plain if len(word) > 2 and not _NOISE.search(word)]
        titles = {plain[0]} | ({_NOISE.sub("", emoji[character]["name"].lower())} if character in emoji else set())
        for title in titles:
            name = " ".join(title.replace("’", "").split())
            found.setdefault(name, [word for word in dict.fromkeys(known) if word != name])
    return found
