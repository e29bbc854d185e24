"""What the exported pair can do on any iconify emoji set, measured through the package's own command line.

Images are PNGs of 224 pixels: one icon on white; one icon on a named colour; two icons side by side.
"""

import json
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..drawing.images import Placed, compose
from ..drawing.palette import COLOURS
from ..errors import RecipeError
from ..icons.render import icon_codes, icon_slugs
from ..icons.sets import HELD_OUT_SET, MEDIUMS, IconSet, icon_set
from ..paths import EVALUATION, REPOSITORY
from ..programs import run_program
from . import node_cli
from .scoring import Subject, says_background

_SIZE = 224
_SEED = 20
_SCENES = 320


def evaluate(packages: Sequence[str] | None) -> None:
    """Measures the pair in models/sample on these sets, printing each; without any: on the held-out one, written down."""
    run_program("npm", "run", "--silent", "setup", cwd=REPOSITORY)
    results = {}
    for package in packages or [HELD_OUT_SET.package]:
        icons = icon_set(package)
        subjects = _subjects(icons)
        results[package] = {
            "single icons on white": _single_icons(icons, subjects),
            "single icons on named colours": _backgrounds(icons, list(subjects)),
            "two icons": _pairs(icons, subjects),
        }
        print(f"\n{package}")
        for group, measures in results[package].items():
            print(f"  {group}")
            for measure, value in measures.items():
                print(f"    {measure:26} {f'{value:.1%}' if isinstance(value, float) else value}")
    if not packages:
        EVALUATION.write_text(json.dumps({"heldOut": results}, indent=2) + "\n", "utf-8")


def _single_icons(icons: IconSet, shown: dict[str, Subject]) -> dict:
    """Every icon alone, ranked against all names of its set, and captioned."""
    names = sorted({subject.name for subject in shown.values()})
    with _drawn((slug, (Placed(icons.package, slug, 0.9),), "white") for slug in shown) as folder:
        ranked = node_cli.rankings(folder, names, 5)
        drawn_as = node_cli.rankings(folder, MEDIUMS, 1)
        captions = node_cli.captions(folder)
    measures = {
        "images": len(shown),
        "names": len(names),
        "name top-1": _share(ranked[slug][0] == subject.name for slug, subject in shown.items()),
        "name top-5": _share(subject.name in ranked[slug] for slug, subject in shown.items()),
        "caption: exact name": _share(subject.exactly_in(captions[slug]) for slug, subject in shown.items()),
        "caption: any of its names": _share(subject.named_in(captions[slug]) for slug, subject in shown.items()),
        "caption: name or keyword": _share(subject.described_in(captions[slug]) for slug, subject in shown.items()),
        "caption: background": _share(says_background(caption, "white") for caption in captions.values()),
    }
    if icons.medium:
        measures[f"medium: {icons.medium}"] = _share(labels[0] == icons.medium for labels in drawn_as.values())
    return measures


def _backgrounds(icons: IconSet, slugs: list[str]) -> dict:
    """Random icons on every colour in turn, the same each time."""
    chance = random.Random(_SEED)
    colours = {f"{i:04}": COLOURS[i % len(COLOURS)] for i in range(_SCENES)}
    scenes = (
        (key, (Placed(icons.package, chance.choice(slugs), chance.uniform(0.6, 0.9)),), colour)
        for key, colour in colours.items()
    )
    with _drawn(scenes) as folder:
        captions = node_cli.captions(folder)
    right = [says_background(captions[key], colour) for key, colour in colours.items()]
    return {"images": _SCENES, "caption: background": _share(right)}


def _pairs(icons: IconSet, subjects: dict[str, Subject]) -> dict:
    """Two random icons side by side on a random colour, the same each time."""
    chance = random.Random(_SEED)
    # One drawing of every name: two of the same would be no pair.
    distinct = list({subject.name: subject for subject in subjects.values()}.values())
    if len(distinct) < 2:
        raise RecipeError(f"{icons.package} has too few names for pairs")
    pairs = {f"{i:04}": chance.sample(distinct, 2) for i in range(_SCENES)}

    def placed(subject: Subject, x: float) -> Placed:
        return Placed(icons.package, subject.slug, chance.uniform(0.4, 0.48), x, chance.uniform(0.4, 0.6))

    scenes = (
        (key, (placed(left, 0.26), placed(right, 0.74)), chance.choice(COLOURS)) for key, (left, right) in pairs.items()
    )
    with _drawn(scenes) as folder:
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


@contextmanager
def _drawn(scenes: Iterable[tuple[str, tuple[Placed, ...], str]]) -> Iterator[Path]:
    """A folder of PNGs of scenes: the file's stem, what is seen, and the background's colour."""
    with tempfile.TemporaryDirectory() as temporary:
        for key, things, colour in scenes:
            compose(_SIZE, colour, 0, things).save(Path(temporary) / f"{key}.png")
        yield Path(temporary)


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return round(sum(found) / len(found), 3)
