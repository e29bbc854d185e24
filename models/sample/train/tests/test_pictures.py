import numpy as np
import pytest
from sample_train.errors import RecipeError
from sample_train.icon_sets import HELD_OUT_SET, icon_set
from sample_train.palette import PALETTE
from sample_train.pictures import Placed, compose
from sample_train.render import icon_slugs


def test_a_picture_has_its_icon_in_place_on_the_named_colour():
    picture = np.asarray(compose(224, "teal", 0, (Placed(HELD_OUT_SET.package, "pizza", 0.4, 0.25),)))
    assert picture.shape == (224, 224, 3)
    assert (picture[:, 112:] == PALETTE["teal"]).all()
    assert (picture[112, 20:92] != PALETTE["teal"]).any()


def test_distinct_names_leave_out_skin_tones_and_countries():
    slugs = icon_slugs(HELD_OUT_SET)
    assert len(slugs) == len(set(slugs)) > 1000
    assert not [slug for slug in slugs if "skin-tone" in slug or (slug.startswith("flag-") and slug != "flag-in-hole")]
    assert {"red-apple", "rocket", "grinning-face", "light-bulb"} <= set(slugs)


def test_one_colour_icons_are_seen_on_dark_grounds_too():
    picture = np.asarray(compose(224, "black", 0, (Placed("emojione-monotone", "rocket", 0.9),)))
    assert picture.max() > 200


def test_a_set_that_npm_does_not_have_is_named():
    with pytest.raises(RecipeError, match="npm cannot install @iconify-json/no-such-emoji-set-anywhere"):
        icon_slugs(icon_set("no-such-emoji-set-anywhere"))
