"""Real vocabulary lines and awkward texts."""

import importlib.resources
from pathlib import Path

DATA = Path(str(importlib.resources.files("clip_interrogator"))) / "data"

ODD = [
    "",
    " ",
    "!",
    "It's 1920's, don't you'll I'd we've they're I'm",
    "IT'S NAÏVE Ünïcödé ΣΊΣΥΦΟΣ İstanbul straße",
    "日本の浮世絵 풍경화 пейзаж लैंडस्केप منظر",
    "🎨🖼️👩‍🎨 emoji \ufe0f\u200d zero\u200bwidth",
    "ﬁne ﬂow ½ № ⅷ ① ²³ ｆｕｌｌ ＷＩＤＴＨ ſ 'ſ 'S",
    "&amp;lt;b&amp;gt; &nbsp;&eacute;",
    "sâ€™il vous plaÃ®t",
    "tabs\tnew\nlines\r\n\x0b\x0c\x85\u2028 spaces   all\u3000over",
    "\x00\x01 control \x1b[31m",
    "combining e\u0301 and o\u0308\u0323",
    "a" * 300,
    "detailed, " * 120,
    "one two three four five six seven eight nine ten " * 20 + "!",
    "by greg rutkowski,,, ---!!!???...;;;",
    "\U0001d4d0\U0001d4d1 \U00010348 \U000e0067",
]


def vocabulary() -> list[str]:
    """Every line of clip-interrogator's lists, as it reads them."""
    lines: list[str] = []
    for path in sorted(DATA.glob("*.txt")):
        lines += [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return lines


def prompts() -> list[str]:
    """500 vocabulary lines, some joined as a chain joins them, then the odd texts."""
    lines = vocabulary()
    picked = lines[:: len(lines) // 500][:500]
    chained = ["a photo of a cat, " + ", ".join(picked[:count]) for count in (1, 2, 5, 10, 20, 60)]
    return picked + chained + ODD
