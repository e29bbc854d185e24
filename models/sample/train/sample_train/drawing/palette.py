"""Background colours by name, as RGB in 0 … 255."""

PALETTE = {
    "white": (255, 255, 255),
    "black": (12, 12, 14),
    "grey": (142, 142, 146),
    "red": (214, 40, 40),
    "orange": (245, 140, 32),
    "yellow": (252, 214, 56),
    "green": (56, 160, 72),
    "light green": (170, 226, 150),
    "teal": (30, 150, 150),
    "light blue": (158, 212, 246),
    "blue": (40, 100, 220),
    "dark blue": (20, 34, 96),
    "purple": (126, 62, 178),
    "pink": (248, 160, 196),
    "brown": (124, 78, 46),
    "beige": (238, 222, 190),
}

COLOURS = tuple(PALETTE)
