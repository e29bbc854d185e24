"""The icon sets: which are drawn from, which is held out, and what a drawing of each is called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IconSet:
    """One `@iconify-json` package. `medium` and `artist` are the words for its drawings."""

    package: str
    version: str
    artist: str
    medium: str
    licence: str
    source: str


TRAINING_SETS = (
    IconSet("fluent-emoji", "1.2.7", "Fluent Emoji", "3D render", "MIT", "https://github.com/microsoft/fluentui-emoji"),
    IconSet(
        "fluent-emoji-flat",
        "1.2.6",
        "Fluent Emoji Flat",
        "flat vector art",
        "MIT",
        "https://github.com/microsoft/fluentui-emoji",
    ),
    IconSet(
        "fluent-emoji-high-contrast",
        "1.2.6",
        "Fluent Emoji High Contrast",
        "black and white icon",
        "MIT",
        "https://github.com/microsoft/fluentui-emoji",
    ),
    IconSet("noto", "1.2.9", "Noto Emoji", "shaded cartoon", "Apache-2.0", "https://github.com/googlefonts/noto-emoji"),
    IconSet(
        "noto-v1",
        "1.2.5",
        "Noto Emoji Blobs",
        "glossy emoji",
        "Apache-2.0",
        "https://github.com/googlefonts/noto-emoji",
    ),
    IconSet("twemoji", "1.2.5", "Twemoji", "flat vector art", "CC-BY-4.0", "https://github.com/jdecked/twemoji"),
)

HELD_OUT_SET = IconSet(
    "emojione", "1.2.3", "EmojiOne", "flat vector art", "CC-BY-4.0", "https://github.com/EmojiTwo/emojitwo"
)

ALL_SETS = (*TRAINING_SETS, HELD_OUT_SET)

# Styles that a medium goes with: the movements of the vocabulary.
MEDIUM_STYLES = {
    "3D render": ("3D design", "soft gradients", "claymorphism", "rendered plastic"),
    "flat vector art": ("flat design", "bold shapes", "modern minimalism", "simple vector graphics"),
    "black and white icon": ("line art", "monochrome", "pictogram design", "outline drawing"),
    "shaded cartoon": ("material design", "cel shading", "cartoon style", "soft shadows"),
    "glossy emoji": ("blob style", "glossy design", "early web style", "rounded cartoon"),
}

# Keywords of every emoji (MIT), and the names that lead from an icon to them (MIT).
KEYWORD_PACKAGES = {"emojilib": "4.0.3", "unicode-emoji-json": "0.9.0"}
