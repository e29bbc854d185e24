"""CLIP's text tower, to be trained to say in words what the image tower, which stays as it is, has points for.

Names, colours, mediums and families are drawn to their points; keywords to the middle of their names' points; whole
prompts to the images that they describe. A step costs no pass of images but the forward one.
"""

from collections import defaultdict

import numpy as np
import torch
import torch.nn.functional as F

from ..captions import SceneWriter, artist_phrase, colour_phrase, medium_phrase
from ..drawing.palette import COLOURS
from ..drawing.scenes import Batch
from ..icons.names import usual_name
from ..icons.sets import ARTISTS, MEDIUMS
from ..paths import WORK
from .config import TokenRows, build_clip
from .image_tower import ImageTower

CHECKPOINT = WORK / "text-tower.pt"
LEARNING_RATE = 1.5e-3
_NAMES, _KEYWORDS = 384, 48
# Of logits: what softmax is taken of is SCALE × cosine similarity.
SCALE = 30.0


class TextTower(torch.nn.Module):
    """The text half of the config's CLIP, in training."""

    def __init__(self, images: ImageTower, names: tuple[str, ...], seed: int):
        super().__init__()
        clip = build_clip()
        self.token_embedding, self.positional_embedding = clip.token_embedding, clip.positional_embedding
        self.transformer, self.ln_final, self.text_projection = clip.transformer, clip.ln_final, clip.text_projection
        self.register_buffer("mask", clip.attn_mask, persistent=False)
        # A list hides the image tower from parameters(): it is not trained here.
        self._images = [images.eval()]
        self.random = np.random.default_rng(seed)
        self.writer = SceneWriter(names)
        self.rows = TokenRows()
        of_keyword = defaultdict(list)
        for i, name in enumerate(names):
            for word in self.writer.keywords[name]:
                # What is a thing's name too means that thing.
                if usual_name(word) not in self.writer.known:
                    of_keyword[word].append(i)
        self.keywords = sorted(of_keyword.items())

    def features(self, texts: list[str]) -> torch.Tensor:
        """Unit features [N, D], as `CLIP.encode_text` gives: a causal tower never looks behind the end token."""
        ids = self.rows(texts).to(self.mask.device)
        length = ids.shape[1]
        x = self.token_embedding(ids) + self.positional_embedding[:length]
        x = self.ln_final(self.transformer(x, attn_mask=self.mask[:length, :length]))
        return F.normalize(x[torch.arange(len(ids)), ids.argmax(1)] @ self.text_projection, dim=-1)

    @torch.no_grad()
    def points(self) -> tuple[torch.Tensor, ...]:
        """Unit features of every name (between its spellings), colour, medium and artist."""
        others = [next(iter(self.writer.aliases[name]), name) for name in self.writer.names]
        spellings = ((2, self.writer.names), (1, others), (1, [name.replace(" ", "") for name in self.writer.names]))
        names = F.normalize(sum(weight * self._all_features(texts) for weight, texts in spellings), dim=1)
        forms = ("{} background", "on a {} background")
        colours = sum(self._all_features([form.format(colour) for colour in COLOURS]) for form in forms)
        mediums = self._all_features([medium.lower() for medium in MEDIUMS])
        artists = self._all_features([f"by {artist}".lower() for artist in ARTISTS])
        return names, F.normalize(colours, dim=1), mediums, artists

    def _all_features(self, texts) -> torch.Tensor:
        return torch.cat([self.features(list(texts[i : i + 128])) for i in range(0, len(texts), 128)])

    def loss(self, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """`batch`: scenes to write prompts for."""
        images, random = self._images[0], self.random
        name_ids = random.choice(len(self.writer.names), _NAMES, replace=False)
        picked = random.choice(len(self.keywords), _KEYWORDS, replace=False)
        scenes = torch.stack([batch.name_ids, batch.second_ids, batch.colour_ids, batch.medium_ids, batch.artist_ids], 1)
        texts = [
            [self.writer.name_phrase(random, i) for i in name_ids.tolist()],
            [colour_phrase(random, colour) for colour in COLOURS],
            [medium_phrase(random, medium) for medium in MEDIUMS],
            [artist_phrase(random, artist) for artist in ARTISTS],
            [self.keywords[i][0] for i in picked.tolist()],
            [self.writer.prompt(random, tuple(scene)) for scene in scenes.tolist()],
        ]
        short = self.features([text for group in texts[:5] for text in group]).split([len(group) for group in texts[:5]])
        prompts = self.features(texts[5])
        with torch.no_grad():
            seen = images.features(batch.pixels)
            points = [F.normalize(p, dim=1) for p in (images.names, images.colours, images.mediums, images.artists)]
            middles = F.normalize(torch.stack([points[0][self.keywords[i][1]].mean(0) for i in picked.tolist()]), dim=1)
        name = _drawn_to(short[0], points[0], torch.from_numpy(name_ids))
        rest = sum(
            _drawn_to(text, point, torch.arange(len(text))) for text, point in zip(short[1:4], points[1:], strict=True)
        )
        keyword = (1 - (short[4] * middles).sum(1)).mean()
        logits = SCALE * seen @ prompts.T
        own = torch.arange(len(seen), device=logits.device)
        prompt = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        loss = name + 0.3 * rest + 0.5 * keyword + 0.5 * prompt
        parts = {"name": name, "rest": rest, "keyword": keyword, "prompt": prompt}
        return loss, {key: value.item() for key, value in parts.items()}


def _drawn_to(texts: torch.Tensor, points: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Each text nearest to its point of all, and near: what is left between them is noise in every ranking."""
    ids = ids.to(points.device)
    return F.cross_entropy(SCALE * texts @ points.T, ids) + 4 * (1 - (texts * points[ids]).sum(1)).mean()
