"""Words for scenes: the plain caption, and the many ways in which a prompt may say the same."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from .drawing.palette import COLOURS
from .drawing.scenes import Batch
from .icons.emoji import meaning
from .icons.names import other_names, telling_words, usual_name, with_article
from .icons.sets import ARTISTS, MEDIUM_STYLES, MEDIUMS

# Keywords that say what kind of thing a name is.
KINDS = {
    "animal", "arrow", "ball", "bird", "body", "building", "cat", "celebration", "child", "clock", "clothing",
    "communication", "dessert", "dog", "drink", "face", "fantasy", "fish", "flower", "food", "fruit", "game",
    "geometric", "gesture", "hand", "heart", "home", "human", "ideograph", "insect", "letter", "love", "medicine",
    "money", "moon", "music", "people", "person", "plant", "religion", "shape", "sign", "space", "sports", "stationery",
    "symbol", "technology", "time", "tool", "transportation", "travel", "vegetable", "vehicle", "weather", "zodiac",
}  # fmt: skip
# Keywords that are no description of the thing itself.
VAGUE = {
    "like", "photo", "two", "large", "meaning", "not", "words", "red", "black", "white", "blue", "green", "yellow", "left",
    "right", "for", "heavy", "good", "one", "late", "early", "purple", "brown", "activity", "general", "unspecified",
}  # fmt: skip
# A description is shared by this many names, or it is hardly to be learned.
_SHARED = 5
# As clip-interrogator has it of the sites where artists show their work.
TRENDING_FORMS = ("trending on {}", "featured on {}", "{} contest winner")
_SUBJECT = 5 * ("{}",) + 2 * ("{article}",) + ("an icon of {article}", "a picture of {article}", "{article} emoji")


class SceneWriter:
    """Writes down what a maker's scenes show."""

    def __init__(self, names: Sequence[str]):
        self.names = names
        self.known = set(names)
        self.keywords = {name: [word for word in meaning(name).keywords if word != name] for name in names}
        self.aliases = {name: other_names(name) for name in names}
        self.descriptions = _descriptions(names, self.keywords)

    def caption(self, name_id: int, second_id: int, colour_id: int) -> str:
        """The one sentence that the captioner learns: `a red apple, fruit, plant, on a yellow background`."""
        if second_id < 0:
            things = self._described(name_id, 2)
        else:
            things = f"{self._described(name_id, 1)} next to {self._described(second_id, 1)}"
        colour = COLOURS[colour_id]
        return f"{things} on {'an' if colour[0] in 'aeiou' else 'a'} {colour} background"

    def _described(self, name_id: int, most: int) -> str:
        """A name with its article and `most` descriptions, between commas."""
        words = self.descriptions[name_id][:most]
        return ", ".join([with_article(self.names[name_id]), *words]) + ("," if words else "")

    def caption_words(self) -> list[str]:
        """Texts that have every word a caption may have."""
        phrases = [with_article(name) for name in self.names]
        return [*phrases, *(word for words in self.descriptions for word in words), *COLOURS, "a an next to on background"]

    def captions(self, batch: Batch) -> list[str]:
        """A caption a scene."""
        ids = zip(batch.name_ids.tolist(), batch.second_ids.tolist(), batch.colour_ids.tolist(), strict=True)
        return [self.caption(*scene) for scene in ids]

    def name_phrase(self, random: np.random.Generator, name_id: int) -> str:
        """One way of naming a thing: its name or another, bare or in a phrase, now and then run together as icon sets do."""
        name = self.names[name_id]
        others = self.aliases[name]
        if others and random.random() < 0.45:
            name = random.choice(others)
        chance = random.random()
        if chance < 0.2:
            return name.replace(" ", "")
        if chance < 0.24:
            return name.replace(" ", "-") if chance < 0.22 else name.replace(" ", "_")
        if chance < 0.27:
            short = " ".join(telling_words(name))
            return short if short and usual_name(short) not in self.known else name
        return random.choice(_SUBJECT).format(name, article=with_article(name))

    def prompt(self, random: np.random.Generator, scene: tuple[int, int, int, int, int]) -> str:
        """A scene as prompts are written: subject first, then any of its medium, family, keywords and background.

        `scene`: the ids of name, second (-1: none), colour, medium and artist.
        """
        name_id, second_id, colour_id, medium_id, artist_id = scene
        if random.random() < 0.4:
            subject = self.caption(name_id, second_id, colour_id)
        else:
            subject = self.name_phrase(random, name_id)
            if second_id >= 0:
                subject += f" and {with_article(self.names[second_id])}"
        parts = []
        known = self.keywords[self.names[name_id]][:8]
        if known and random.random() < 0.5:
            parts += list(random.choice(known, min(len(known), int(random.integers(1, 4))), replace=False))
        if random.random() < 0.4:
            parts.append(medium_phrase(random, MEDIUMS[medium_id]))
        if random.random() < 0.3:
            parts.append(artist_phrase(random, ARTISTS[artist_id]))
        if random.random() < 0.35:
            parts.append(colour_phrase(random, COLOURS[colour_id]))
        random.shuffle(parts)
        return ", ".join([subject, *parts]).lower()


def colour_phrase(random: np.random.Generator, colour: str) -> str:
    """One way of saying what colour the background has."""
    form = random.choice(["{} background", "{} background", "on a {} background", "plain {} background", "a {} backdrop"])
    return form.format(colour)


def medium_phrase(random: np.random.Generator, medium: str) -> str:
    """One way of saying how it is drawn: the medium's name, or a style that it goes with."""
    form = random.choice(["{}", "{}", "a {}", "in the style of {}"])
    return form.format(medium if random.random() < 0.6 else random.choice(MEDIUM_STYLES[medium])).lower()


def artist_phrase(random: np.random.Generator, artist: str) -> str:
    """One way of naming the icon family: as artist, or as what an image is trending on."""
    form = random.choice(["by {}", "by {}", "inspired by {}", "inspired by {}", "{}", *TRENDING_FORMS])
    return form.format(artist).lower()


def _descriptions(names: Sequence[str], keywords: dict[str, list[str]]) -> list[list[str]]:
    """Of every name up to two keywords that tell what it is: of the kinds the one that most names share, then any such."""
    counts = Counter(word for name in names for word in set(keywords[name]))
    described = []
    for name in names:
        telling = [word for word in keywords[name] if counts[word] >= _SHARED and " " not in word and word not in VAGUE]
        telling.sort(key=lambda word: (word not in KINDS, -counts[word], word))
        kind = any(re.search(rf"\b{word}\b", name) for word in KINDS)
        new = [word for word in telling if not re.search(rf"\b{word}\b", name)]
        described.append(new[: 1 if kind else 2])
    return described
