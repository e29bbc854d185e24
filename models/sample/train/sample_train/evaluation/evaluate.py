"""What the exported pair can do on any iconify emoji set, measured through the package's own command line.

Images are PNGs of 224 pixels: one icon on white; one icon on a named colour; two icons side by side.
"""

import json
import random
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from ..drawing.images import Placed, compose
from ..drawing.palette import COLOURS
from ..errors import RecipeError
from ..icons.render import icon_codes, icon_slugs, read_set
from ..icons.sets import HELD_OUT_SET, MEDIUM_STYLES, MONOCHROME, OUTLINED, IconSet, icon_set
from ..paths import EVALUATION
from . import node_cli
from .scoring import Subject, says_background

_SIZE = 224
_SEED = 20
_SCENES = 320
_GUESSED = " (guessed from the drawings)"
_MEDIUMS = sorted(MEDIUM_STYLES)


def evaluate(packages: Sequence[str], medium: str | None = None) -> dict[str, dict]:
    """Measures the pair in models/sample on these sets, printing each. `medium`: what the drawings of unknown sets are."""
    results = {}
    for package in packages:
        icons = icon_set(package)
        results[package] = {
            "single icons on white": _single_icons(icons, icons.medium or medium or f"{_medium_by_looks(icons)}{_GUESSED}"),
            "single icons on named colours": _backgrounds(icons),
            "two icons": _pairs(icons),
        }
        print(f"\n{package}")
        for group, measures in results[package].items():
            print(f"  {group}")
            for measure, value in measures.items():
                print(f"    {measure:26} {f'{value:.1%}' if isinstance(value, float) else value}")
    return results


def write_evaluation() -> None:
    """Measures the held-out set and writes evaluation.json."""
    results = evaluate([HELD_OUT_SET.package])
    EVALUATION.write_text(json.dumps({"heldOut": results}, indent=2) + "\n", "utf-8")


def _single_icons(icons: IconSet, medium: str) -> dict:
    """Every icon alone, ranked against all names of its set, and captioned."""
    shown = _subjects(icons)
    names = sorted({subject.name for subject in shown.values()})
    with tempfile.TemporaryDirectory(prefix=f"{icons.package}-") as temporary:
        folder = Path(temporary)
        for slug in tqdm(shown, desc=f"render {icons.package}", mininterval=5):
            _draw("white", Placed(icons.package, slug, 0.9)).save(folder / f"{slug}.png")
        ranked = node_cli.rankings(folder, names, 5)
        drawn_as = node_cli.rankings(folder, _MEDIUMS, 1)
        captions = node_cli.captions(folder)
    return {
        "images": len(shown),
        "names": len(names),
        "name top-1": _share(ranked[slug][0] == subject.name for slug, subject in shown.items()),
        "name top-5": _share(subject.name in ranked[slug] for slug, subject in shown.items()),
        "caption: exact name": _share(subject.exactly_in(captions[slug]) for slug, subject in shown.items()),
        "caption: any of its names": _share(subject.named_in(captions[slug]) for slug, subject in shown.items()),
        "caption: name or keyword": _share(subject.described_in(captions[slug]) for slug, subject in shown.items()),
        "caption: background": _share(says_background(caption, "white") for caption in captions.values()),
        f"medium: {medium}": _share(labels[0] == medium.removesuffix(_GUESSED) for labels in drawn_as.values()),
    }


def _backgrounds(icons: IconSet) -> dict:
    """Random icons on every colour in turn, the same each time."""
    chance, slugs = random.Random(_SEED), list(_subjects(icons))
    colours = {f"{i:04}": COLOURS[i % len(COLOURS)] for i in range(_SCENES)}
    with tempfile.TemporaryDirectory(prefix="backgrounds-") as temporary:
        folder = Path(temporary)
        for key, colour in colours.items():
            _draw(colour, Placed(icons.package, chance.choice(slugs), chance.uniform(0.6, 0.9))).save(folder / f"{key}.png")
        captions = node_cli.captions(folder)
    right = [says_background(captions[key], colour) for key, colour in colours.items()]
    return {"images": _SCENES, "caption: background": _share(right)}


def _pairs(icons: IconSet) -> dict:
    """Two random icons side by side on a random colour, the same each time."""
    chance = random.Random(_SEED)
    # One drawing of every name: two of the same would be no pair.
    distinct = list({subject.name: subject for subject in _subjects(icons).values()}.values())
    if len(distinct) < 2:
        raise RecipeError(f"{icons.package} has too few names for pairs")
    pairs = {f"{i:04}": chance.sample(distinct, 2) for i in range(_SCENES)}
    with tempfile.TemporaryDirectory(prefix="pairs-") as temporary:
        folder = Path(temporary)
        for key, pair in pairs.items():
            places = [
                Placed(icons.package, subject.slug, chance.uniform(0.4, 0.48), x, chance.uniform(0.4, 0.6))
                for subject, x in zip(pair, (0.26, 0.74), strict=True)
            ]
            _draw(chance.choice(COLOURS), *places).save(folder / f"{key}.png")
        captions = node_cli.captions(folder)
    return {
        "images": _SCENES,
        "caption: both named": _share(all(one.named_in(captions[key]) for one in pair) for key, pair in pairs.items()),
        "caption: both described": _share(
            all(one.described_in(captions[key]) for one in pair) for key, pair in pairs.items()
        ),
    }


def _subjects(icons: IconSet) -> dict[str, Subject]:
    """What every icon of the set shows, by slug. Raises RecipeError where there is none."""
    codes = icon_codes(icons)
    subjects = {slug: Subject(slug, codes.get(slug)) for slug in icon_slugs(icons)}
    if not subjects:
        raise RecipeError(f"{icons.package} has no icons but skin tones and countries' flags")
    return subjects


def _draw(colour: str, *things: Placed) -> Image.Image:
    return compose(_SIZE, colour, 0, things)


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return round(sum(found) / len(found), 3)


def _medium_by_looks(icons: IconSet) -> str:
    """What a set's drawings are, by what most of its SVGs are made of: one colour, dark strokes, gradients, or neither."""
    bodies = [icon["body"] for icon in read_set(icons)["icons"].values()]
    most = len(bodies) / 2
    if sum("currentColor" in body for body in bodies) > most:
        return MONOCHROME
    if sum(bool(re.search(r'stroke="#([0-3])(\1{2}|[0-9a-f][0-3][0-9a-f][0-3][0-9a-f])"', body)) for body in bodies) > most:
        return OUTLINED
    return "shaded cartoon" if sum("Gradient" in body for body in bodies) > most else "flat vector art"
