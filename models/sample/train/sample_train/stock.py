"""What every stage of the training draws from: the sprites, and the words that they stand for."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .drawing.painter import Placement
from .drawing.scenes import SceneMaker
from .icons.names import usual_name
from .icons.render import Sprites, icon_slugs, in_words, load_sprites
from .icons.sets import MONOCHROME, TRAINING_SETS
from .icons.styles import COLOUR_STYLES, ONE_COLOUR_STYLES


@dataclass(frozen=True)
class Stock:
    """The training sets in all styles. `names[i]` is what a scene's name id i stands for."""

    seed: int
    device: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the models learn: the usual name of everything in the training sets."""
        return tuple(sorted({usual_name(in_words(slug)) for icons in TRAINING_SETS for slug in icon_slugs(icons)}))

    @cached_property
    def sprites(self) -> list[Sprites]:
        """One entry a set and style."""
        return [
            load_sprites(icons, style)
            for icons in TRAINING_SETS
            for style in (ONE_COLOUR_STYLES if icons.medium == MONOCHROME else COLOUR_STYLES)
        ]

    def origin(self, *checkpoints: Path) -> str:
        """What a training by this stock and these outcomes of earlier stages begins from, in short."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for path in checkpoints:
            digest.update(path.read_bytes())
        return f"seed {self.seed}, {digest.hexdigest()[:12]}"

    def scenes(self, step: int, placement: Placement = Placement()) -> SceneMaker:  # noqa: B008
        """A maker of batches; another step draws others."""
        return SceneMaker(self.sprites, self.names, placement, self.seed + step, self.device)
