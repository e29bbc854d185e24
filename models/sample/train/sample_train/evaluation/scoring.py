"""When a caption is right about an emoji."""

import re
from dataclasses import dataclass
from functools import cached_property

from ..icons.emoji import Meaning, meaning
from ..icons.render import in_words


@dataclass(frozen=True)
class Subject:
    """What an icon shows, by its slug, and its emoji's code points where its set tells them."""

    slug: str
    code: str | None = None

    @cached_property
    def name(self) -> str:
        """The slug in words, without the number that tells drawings of one emoji apart."""
        words = in_words(self.slug)
        unnumbered = re.sub(r" \d+$", "", words)
        known = unnumbered != words and not meaning(words).keywords and meaning(unnumbered).keywords
        return unnumbered if known else words

    @cached_property
    def meaning(self) -> Meaning:
        """Its emoji's titles and keywords."""
        return meaning(self.name, self.code)

    def exactly_in(self, caption: str) -> bool:
        """Whether a caption has the name as its set writes it."""
        return says(things(caption), self.name)

    def named_in(self, caption: str) -> bool:
        """Whether a caption has the name or another title of the emoji; shortcodes of a letter or two are no names."""
        titles = (title for title in self.meaning.titles if len(title) > 2)
        return self.exactly_in(caption) or any(says(things(caption), title) for title in titles)

    def described_in(self, caption: str) -> bool:
        """Whether a caption names the emoji or has one of its keywords."""
        return self.named_in(caption) or any(says(things(caption), word) for word in self.meaning.keywords)


def says(text: str, words: str) -> bool:
    """Whether a text has these words whole."""
    return re.search(rf"\b{re.escape(words)}\b", text) is not None


def says_background(caption: str, colour: str) -> bool:
    """Whether a caption gives the background this colour: `light blue` is not `blue`."""
    return says(caption, f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} background")


def things(caption: str) -> str:
    """A caption without its background, whose colour is no keyword of what stands on it."""
    return re.sub(r" on an? [a-z ]+ background$", "", caption)
