"""Scenes: icons placed on backgrounds of named colours, a batch at a time, with what was drawn on record."""

from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from ..icons.changes import is_mirrorable, is_recolourable
from ..icons.render import Sprites
from ..icons.sets import ARTISTS, MEDIUMS, MONOCHROME
from .painter import Painter, Placement, normalised
from .palette import COLOURS, PALETTE

# White is what most people put an icon on.
_WHITE_SHARE = 0.4


@dataclass
class Batch:
    """`pixels` float [B,3,64,64], normalised as CLIP does. `name_ids` and the rest, int64 [B], index the maker's lists.

    `second_ids` is the right-hand object's name where there are two, else -1.
    """

    pixels: torch.Tensor
    name_ids: torch.Tensor
    second_ids: torch.Tensor
    colour_ids: torch.Tensor
    medium_ids: torch.Tensor
    artist_ids: torch.Tensor


class SceneMaker:
    """Draws random batches. Deterministic for a seed on one kind of device.

    `names` are the words that a batch's name ids stand for; mediums and artists are the sets', colours the palette's.
    """

    def __init__(self, sprites: list[Sprites], names: tuple[str, ...], placement: Placement, seed: int, device: str):
        self.names, self.placement, self.device = len(names), placement, device
        self.random = torch.Generator(device).manual_seed(seed)
        index = {name: i for i, name in enumerate(names)}
        self.sprites = [torch.from_numpy(stock.pixels).to(device) for stock in sprites]
        name_of = torch.tensor([index[name] for stock in sprites for name in stock.names])
        self.stock_of = torch.cat([torch.full((len(stock.names),), i) for i, stock in enumerate(sprites)])
        self.row_in_stock = torch.cat([torch.arange(len(stock.names)) for stock in sprites])
        self.medium_of = torch.tensor([MEDIUMS.index(stock.medium) for stock in sprites])
        self.artist_of = torch.tensor([ARTISTS.index(stock.icons.artist) for stock in sprites])
        self.one_colour = torch.tensor([stock.icons.medium == MONOCHROME or not stock.style.filled for stock in sprites])
        share = torch.tensor([stock.style.share for stock in sprites])
        # Of every name its sprites' rows [names, most] and their shares; what fills up has none.
        rows_of = [(name_of == name).nonzero()[:, 0] for name in range(len(names))]
        self.rows_of = pad_sequence(rows_of, batch_first=True)
        self.shares_of = pad_sequence([share[self.stock_of[rows]] for rows in rows_of], batch_first=True).to(device)
        self.mirrorable = torch.tensor([is_mirrorable(name) for name in names])
        self.recolourable = torch.tensor([is_recolourable(name) for name in names])
        self.background = torch.tensor([PALETTE[colour] for colour in COLOURS], device=device) / 255
        self.painter = Painter(placement, self.random, device)
        # Every scene strays by a share drawn from 0 … this of all straying.
        self.difficulty = 1.0

    @torch.no_grad()
    def batch(self, size: int) -> Batch:
        """Scenes whose first objects all have different names."""
        draw = self._draw
        name_ids = draw(self.names).argsort()[:size]
        second_ids = name_ids.roll(1)
        straying = self.difficulty * draw(size)
        double = draw(size) < self.placement.two_objects * self.difficulty
        white = draw(size) < _WHITE_SHARE
        colour_ids = torch.where(white, COLOURS.index("white"), (draw(size) * len(COLOURS)).long())

        canvas = self.painter.backgrounds(self.background[colour_ids.to(self.device)])
        first = self._choose(name_ids)
        self._paint(canvas, torch.arange(size), first, name_ids, torch.where(double, -1, 0), straying)
        two = double.nonzero()[:, 0]
        if len(two):
            self._paint(canvas, two, self._choose(second_ids[two]), second_ids[two], torch.ones_like(two), straying[two])
        stock = self.stock_of[first]
        return Batch(
            normalised(self.painter.spoil(canvas, straying.to(self.device))),
            name_ids,
            torch.where(double, second_ids, -1),
            colour_ids,
            self.medium_of[stock],
            self.artist_of[stock],
        )

    def _draw(self, *shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=self.random, device=self.device).cpu()

    def _choose(self, name_ids: torch.Tensor) -> torch.Tensor:
        """One drawing of each name: its sets alike, their styles by share."""
        place = torch.multinomial(self.shares_of[name_ids.to(self.device)], 1, generator=self.random)[:, 0]
        return self.rows_of[name_ids, place.cpu()]

    def _paint(self, canvas, where, rows, name_ids, side, straying) -> None:
        """Draws a sprite onto each canvas in `where`; side -1, 0, 1: left of two, alone, right of two."""
        stocks, within = self.stock_of[rows], self.row_in_stock[rows]
        layers = torch.empty(len(rows), *self.sprites[0].shape[1:], dtype=torch.uint8, device=self.device)
        for stock in stocks.unique().tolist():
            mine = stocks == stock
            layers[mine] = self.sprites[stock][within[mine]]
        canvas[where] = self.painter.paint(
            canvas[where],
            layers.float() / 255,
            side.to(self.device),
            straying.to(self.device),
            mirrorable=self.mirrorable[name_ids].to(self.device),
            recolourable=self.recolourable[name_ids].to(self.device),
            one_colour=self.one_colour[stocks].to(self.device),
        )
