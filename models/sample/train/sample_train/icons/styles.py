"""Drawing styles: what a set's SVGs become when all their strokes and fills are overruled.

No two icon families draw alike, and a model that knows six hands fails on the seventh. A style sheet over the same
drawing makes another hand of each.
"""

from dataclasses import dataclass

from .sets import LINE, OUTLINED

_SHAPES = "path,circle,ellipse,rect,polygon,polyline,line"


@dataclass(frozen=True)
class Style:
    """`stroke`: width as a share of the drawing's side, 0 for none; `filled`: whether the shapes keep their fill."""

    name: str
    stroke: float = 0
    filled: bool = True
    # The medium that the style makes of a drawing; None leaves the set's own.
    medium: str | None = None
    # How often it is drawn, beside the others of its set.
    share: float = 1

    def sheet(self, side: float) -> str:
        """The CSS for a drawing of this side, in its own units; '' where it stays as it is."""
        if not self.stroke:
            return ""
        fill = "" if self.filled else "fill:none;"
        return f"{_SHAPES}{{{fill}stroke:#1d1d1f;stroke-width:{self.stroke * side:.4g};stroke-linejoin:round}}"


AS_DRAWN = Style("as-drawn", share=0.52)
COLOUR_STYLES = (
    AS_DRAWN,
    Style("outline", 1 / 56, medium=OUTLINED, share=0.18),
    Style("bold-outline", 1 / 30, medium=OUTLINED, share=0.12),
    Style("line", 1 / 42, filled=False, medium=LINE, share=0.18),
)
ONE_COLOUR_STYLES = (AS_DRAWN, Style("line", 1 / 46, filled=False, medium=LINE, share=0.25))
