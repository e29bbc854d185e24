"""The term lists of the sample bundle: words that its CLIP was trained on."""

from collections import Counter
from collections.abc import Sequence

from .captions import TRENDING_FORMS, VAGUE
from .drawing.palette import COLOURS
from .icons.emoji import meaning
from .icons.names import usual_name
from .icons.sets import ARTISTS, MEDIUM_STYLES, MEDIUMS
from .paths import VOCABULARY

# Keywords that nobody sees in an image.
_UNSEEN = {
    "above", "alcohol", "cjk", "daughter", "double", "gender", "haired", "inbox", "legal", "law", "mark", "oclock", "race",
    "rightwards", "sales", "schedule", "small", "squared", "stick", "tale", "valentines", "xmas",
}  # fmt: skip
# A keyword of so few emoji says too little.
_SHARED = 8
_NEGATIVE = (
    "blurry", "out of focus", "noisy", "grainy", "low resolution", "low contrast", "pixelated", "jpeg artefacts", "cropped",
    "cut off", "off centre", "tilted", "too small", "cluttered background", "gradient background", "watermark", "text",
    "letters", "several objects", "duplicate", "photograph", "realistic", "ugly", "deformed", "washed out", "oversaturated",
)  # fmt: skip


def write_vocabulary(names: Sequence[str]) -> None:
    """Writes the lists, one term a line, in a fixed order."""
    lists = {
        "artists": ARTISTS,
        "mediums": MEDIUMS,
        "movements": sorted(style for styles in MEDIUM_STYLES.values() for style in styles),
        "trendings": [form.format(artist) for form in TRENDING_FORMS for artist in ARTISTS],
        "flavors": _flavors(names),
        "negative": _NEGATIVE,
    }
    VOCABULARY.mkdir(parents=True, exist_ok=True)
    for name, terms in lists.items():
        (VOCABULARY / f"{name}.txt").write_text("".join(f"{term}\n" for term in terms), "utf-8")


def _flavors(names: Sequence[str]) -> list[str]:
    """Backgrounds, and the keywords that several emoji share: words about an image, not other things that it might show."""
    counts = Counter(word for name in names for word in set(meaning(name).keywords[:12]) - VAGUE - _UNSEEN)
    shared = (word for word, count in counts.items() if count >= _SHARED and " " not in word)
    return [
        *sorted(word for word in shared if usual_name(word) not in names),
        *(f"{colour} background" for colour in COLOURS),
    ]
