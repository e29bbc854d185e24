import pytest
from sample_train.evaluation.scoring import Subject, says_background
from sample_train.icons.emoji import Meaning


@pytest.mark.parametrize(
    ("caption", "named", "described"),
    [
        ("a red apple, fruit, on a white background", True, True),
        ("a tangerine, fruit, on a white background", False, True),
        ("a pineapple on a white background", False, False),
        ("a taxi, vehicle, on a red background", False, False),
    ],
)
def test_a_caption_counts_by_whole_words_of_the_thing(caption, named, described):
    apple = Subject("red-apple")
    assert apple.named_in(caption) is named
    assert apple.described_in(caption) is described


def test_the_backgrounds_colour_is_no_keyword_of_the_thing():
    dove = Subject("dove")
    dove.__dict__["meaning"] = Meaning(("dove",), ("bird", "white"))
    assert not dove.described_in("a violin on a white background")
    assert dove.described_in("a white violin on a red background")


def test_a_single_letter_or_article_names_nothing():
    assert not Subject("a-button").named_in("a violin on a blue background")


def test_a_background_is_told_with_its_whole_colour():
    assert says_background("a cat on a light blue background", "light blue")
    assert not says_background("a cat on a light blue background", "blue")
    assert says_background("a cat on an orange background", "orange")


def test_numbered_drawings_of_one_emoji_have_one_name():
    assert Subject("grinning-face-2").name == "grinning face"
    assert Subject("keycap-5").name == "keycap 5"
