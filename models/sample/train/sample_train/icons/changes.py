"""How the drawing of a thing may be changed and still show it."""

import re

_DIRECTED = re.compile(
    r"left|right|letter|button|clock|thirty|keycap|arrow|facing|slash|mark|sign|symbol|moon|note|badge|score|"
    r"clockwise|calendar|dollar|yen|euro|pound|chart|abc|number|input|flag|play|fast|rewind|east|west|ward"
)
# Names that a colour belongs to, or whose things are known by theirs.
_COLOURED = re.compile(
    r"\b(red|orange|yellow|green|blue|purple|brown|black|white|pink|grey|gray|gold|golden|silver|light|dark|rainbow|1st|2nd|3rd|"
    r"heart|circle|square|diamond|apple|lemon|tangerine|lime|tomato|pepper|cucumber|button|book|face|medal)\b"
)


def is_mirrorable(name: str) -> bool:
    """Whether an icon of this name may be mirrored and keep it."""
    return not _DIRECTED.search(name)


def is_recolourable(name: str) -> bool:
    """Whether an icon of this name may have any colour."""
    return not _COLOURED.search(name)
