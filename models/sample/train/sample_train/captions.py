"""Words for scenes: the plain caption, and the many ways in which a prompt may say the same."""

import numpy as np

from .icon_names import with_article
from .icon_sets import MEDIUM_STYLES, IconSet
from .palette import COLOURS
from .scenes import Scene


def plain_caption(scene: Scene) -> str:
    """The one sentence that the captioner learns."""
    things = with_article(scene.name)
    if scene.second:
        things += f" next to {with_article(scene.second)}"
    article = "an" if scene.colour[0] in "aeiou" else "a"
    return f"{things} on {article} {scene.colour} background"


def colour_phrases(random: np.random.Generator) -> list[str]:
    """One way of saying it for every background colour, in the palette's order."""
    form = random.choice(["{} background", "on a {} background", "plain {} background", "a {} backdrop"])
    return [form.format(colour) for colour in COLOURS]


def medium_phrases(random: np.random.Generator, mediums: list[str]) -> list[str]:
    """One way of saying it for every medium: its name, or a style that it goes with."""
    form = random.choice(["{}", "{}", "a {}", "in the style of {}"])
    named = random.random() < 0.6
    return [form.format(medium if named else random.choice(MEDIUM_STYLES[medium])) for medium in mediums]


def artist_phrases(random: np.random.Generator, icon_sets: list[IconSet]) -> list[str]:
    """One way of saying it for every icon family."""
    form = random.choice(["by {}", "inspired by {}", "by {}"])
    return [form.format(icons.artist) for icons in icon_sets]


def name_phrase(random: np.random.Generator, name: str) -> str:
    """One way of naming an icon."""
    form = random.choice(["{}", "{}", "{article}", "an icon of {article}", "a picture of {article}", "{article} emoji"])
    return form.format(name, article=with_article(name))


class PromptWriter:
    """Writes a scene as prompts are written: subject first, then any of its medium, family, keywords and background."""

    def __init__(self, keywords: dict[str, list[str]], random: np.random.Generator):
        self.keywords = keywords
        self.random = random

    def write(self, scene: Scene) -> str:
        """A prompt for one scene, lower case, parts joined by commas."""
        random = self.random
        subject = plain_caption(scene) if random.random() < 0.45 else name_phrase(random, scene.name)
        if scene.second and "next to" not in subject:
            subject += f" and {with_article(scene.second)}"
        parts = []
        known = self.keywords.get(scene.name, [])
        if known and random.random() < 0.5:
            parts += list(random.choice(known[:8], min(len(known[:8]), int(random.integers(1, 4))), replace=False))
        if random.random() < 0.35:
            parts.append(medium_phrases(random, [scene.icons.medium])[0])
        if random.random() < 0.35:
            parts.append(artist_phrases(random, [scene.icons])[0])
        if random.random() < 0.3:
            parts.append(f"{scene.colour} background")
        random.shuffle(parts)
        return ", ".join([subject, *parts]).lower()
