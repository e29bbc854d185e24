"""The term lists of the sample bundle: words that its CLIP was trained on."""

from collections import Counter

from .icon_names import load_keywords
from .icon_sets import MEDIUM_STYLES, TRAINING_SETS
from .palette import COLOURS
from .paths import VOCABULARY

_COMMON_KEYWORD = 8
_NEGATIVE = (
    "blurry", "out of focus", "noisy", "grainy", "low resolution", "low contrast", "pixelated", "jpeg artefacts", "cropped",
    "cut off", "off centre", "tilted", "too small", "cluttered background", "gradient background", "watermark", "text",
    "letters", "several objects", "duplicate", "photograph", "realistic", "ugly", "deformed", "washed out", "oversaturated",
)  # fmt: skip


def write_vocabulary(names: list[str]) -> None:
    """Writes the lists, one term a line, in a fixed order."""
    lists = {
        "artists": [icons.artist for icons in TRAINING_SETS],
        "mediums": sorted(MEDIUM_STYLES),
        "movements": sorted(style for styles in MEDIUM_STYLES.values() for style in styles),
        "flavors": _flavors(names),
        "negative": _NEGATIVE,
    }
    VOCABULARY.mkdir(parents=True, exist_ok=True)
    for name, terms in lists.items():
        (VOCABULARY / f"{name}.txt").write_text("".join(f"{term}\n" for term in terms), "utf-8")


def _flavors(names: list[str]) -> list[str]:
    keywords = load_keywords()
    counts = Counter(word for name in names for word in keywords.get(name, [])[:8])
    common = sorted(word for word, count in counts.items() if count >= _COMMON_KEYWORD and len(word.split()) <= 2)
    backgrounds = [f"{colour} background" for colour in COLOURS]
    return list(dict.fromkeys([*names, *common, *backgrounds]))
