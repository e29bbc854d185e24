"""The icon sets: which are drawn from, which is held out, and what a drawing of each is called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IconSet:
    """One `@iconify-json` package. `medium` and `artist` are the words for its drawings; `version` None is the newest.

    Whose they are and under which licence is in NOTICE.
    """

    package: str
    version: str | None = None
    artist: str = ""
    medium: str | None = None


MONOCHROME = "black and white icon"
OUTLINED = "outlined cartoon"
LINE = "line drawing"

TRAINING_SETS = (
    IconSet("fluent-emoji", "1.2.7", "Fluent Emoji", "3D render"),
    IconSet("fluent-emoji-flat", "1.2.6", "Fluent Emoji Flat", "flat vector art"),
    IconSet("fluent-emoji-high-contrast", "1.2.6", "Fluent Emoji High Contrast", MONOCHROME),
    IconSet("noto", "1.2.9", "Noto Emoji", "shaded cartoon"),
    IconSet("noto-v1", "1.2.5", "Noto Emoji Blobs", "shaded cartoon"),
    IconSet("twemoji", "1.2.5", "Twemoji", "flat vector art"),
    IconSet("emojione-monotone", "1.2.1", "EmojiOne Monotone", MONOCHROME),
)

HELD_OUT_SET = IconSet("emojione", "1.2.3", "EmojiOne", "flat vector art")

# Styles that a medium goes with: the movements of the vocabulary.
MEDIUM_STYLES = {
    "3D render": ("3D design", "soft gradients", "claymorphism", "rendered plastic"),
    "flat vector art": ("flat design", "bold shapes", "modern minimalism", "simple vector graphics"),
    MONOCHROME: ("monochrome", "pictogram design", "glyph art", "stencil art"),
    "shaded cartoon": ("material design", "cel shading", "cartoon style", "soft shadows"),
    OUTLINED: ("comic book style", "inked outlines", "sticker art", "ligne claire"),
    LINE: ("line art", "outline drawing", "colouring book page", "wireframe style"),
}

MEDIUMS = tuple(sorted(MEDIUM_STYLES))
ARTISTS = tuple(icons.artist for icons in TRAINING_SETS)

# Keywords of every emoji (MIT), the names that lead from an icon to them (MIT), and other names of the same (MIT).
NAME_PACKAGES = {"emojilib": "4.0.3", "unicode-emoji-json": "0.9.0", "emojibase-data": "17.0.0"}


def icon_set(package: str) -> IconSet:
    """The set of a package, one of those above or any other of iconify's."""
    package = package.removeprefix("@iconify-json/")
    known = {icons.package: icons for icons in (*TRAINING_SETS, HELD_OUT_SET)}
    return known.get(package) or IconSet(package)
