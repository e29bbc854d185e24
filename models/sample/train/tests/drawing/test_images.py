import numpy as np
import pytest
from sample_train.drawing.images import Placed, compose
from sample_train.drawing.palette import PALETTE
from sample_train.errors import RecipeError
from sample_train.icons.render import icon_slugs
from sample_train.icons.sets import HELD_OUT_SET, icon_set


def test_an_image_has_its_icon_in_place_on_the_named_colour():
    image = np.asarray(compose(224, "teal", 0, (Placed(HELD_OUT_SET.package, "pizza", 0.4, 0.25),)))
    assert image.shape == (224, 224, 3)
    assert (image[:, 112:] == PALETTE["teal"]).all()
    assert (image[112, 20:92] != PALETTE["teal"]).any()


def test_distinct_names_leave_out_skin_tones_and_countries():
    slugs = icon_slugs(HELD_OUT_SET)
    assert len(slugs) == len(set(slugs)) > 1000
    assert not [slug for slug in slugs if "skin-tone" in slug or (slug.startswith("flag-") and slug != "flag-in-hole")]
    assert {"red-apple", "rocket", "grinning-face", "light-bulb"} <= set(slugs)


def test_one_colour_icons_are_seen_on_dark_grounds_too():
    image = np.asarray(compose(224, "black", 0, (Placed("emojione-monotone", "rocket", 0.9),)))
    assert image.max() > 200


def test_a_set_that_npm_does_not_have_is_named():
    with pytest.raises(RecipeError, match="npm cannot install @iconify-json/no-such-emoji-set-anywhere"):
        icon_slugs(icon_set("no-such-emoji-set-anywhere"))
