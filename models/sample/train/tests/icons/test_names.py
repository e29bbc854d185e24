from sample_train.icons.emoji import meaning
from sample_train.icons.names import other_names, usual_name


def test_a_name_means_the_same_however_it_is_written():
    written = ("grinning face", "grinning-face", "grinningface", "Grinning_Face")
    assert {meaning(name).titles[0] for name in written} == {"grinning face"}
    assert {"smile", "happy"} <= set(meaning("grinningface").keywords)


def test_unicodes_old_names_lead_to_the_same_emoji():
    assert usual_name("smiling face with open mouth") == usual_name("grinning face with big eyes")


def test_an_emojis_own_name_goes_before_what_chats_call_another():
    assert usual_name("cat") == "cat"
    assert usual_name("cat face") == "cat face"


def test_what_single_sets_misspell_is_known():
    assert usual_name("piata") == "pinata"
    assert "bear face" in other_names("bear")


def test_an_unknown_name_stays_what_it_is():
    assert meaning("frobnicator").titles == ("frobnicator",)
    assert meaning("frobnicator").keywords == ()
