"""What icons are called: the one usual name of several, the others, and how a name stands in a sentence."""

import re

from .emoji import meaning

# What follows says more about the thing; whether there is one or several of it stands before.
_BELONGING = re.compile(r" (?:with|of|in|on|at|over|and|holding|showing|lifting|curly|blond|red hair|white hair|bald)\b")
_PLURAL = re.compile(r"(s|children|men|women|people|dice|chess|\bhair|haired|fries|hands)$")
_SINGULAR = re.compile(r"(ss|us|compass|cactus|octopus|bus|glass|dress|cross|rhinoceros|lis|letter s)$")
_VOWEL = re.compile(r"(?!one |euro |ewe$)[aeio]|u[mp]|una|unl|hour|x ray")
# What no list has, in names of single sets.
_OTHER_SPELLINGS = {
    "grinning cat face": "grinning cat",
    "keycap pound": "keycap hash",
    "keycap hashtag": "keycap hash",
    "kissing cat face": "kissing cat",
    "laptop computer": "laptop",
    "man merpeople": "merman",
    "man with bunny ears": "men with bunny ears",
    "person merpeople": "merperson",
    "person with bunny ears": "people with bunny ears",
    "person wrestling": "people wrestling",
    "phoenix bird": "phoenix",
    "piata": "pinata",
    "smiling cat face with heart eyes": "smiling cat with heart eyes",
    "woman merpeople": "mermaid",
    "woman with bunny ears": "women with bunny ears",
    **{f"{who} blonde hair": f"{who} blond hair" for who in ("man", "person", "woman")},
    **{f"person {who}": who for who in ("elf", "fairy", "genie", "mage", "superhero", "supervillain", "vampire", "zombie")},
}
# In place of a noun these say nothing.
_EMPTY_WORDS = {"of", "with", "and", "the", "in", "on", "a", "button", "sign", "symbol"}


def usual_name(name: str) -> str:
    """The one name of what several sets call differently: that of Unicode's list where it is there, `bear face` → `bear`."""
    name = _OTHER_SPELLINGS.get(name, name)
    return meaning(name).titles[0]


def other_names(usual: str) -> list[str]:
    """What else an emoji of this usual name is called, where it is not another's usual name; a letter or two are no name."""
    spelled = [other for other, name in _OTHER_SPELLINGS.items() if usual_name(name) == usual]
    titles = [title for title in meaning(usual).titles if len(title) > 2 and usual_name(title) == usual]
    return [name for name in dict.fromkeys([*titles, *spelled]) if name != usual]


def with_article(name: str) -> str:
    """`apple` → `an apple`; plurals and things without a singular stay bare."""
    thing = _BELONGING.split(name)[0]
    if _PLURAL.search(thing) and not _SINGULAR.search(thing):
        return name
    return f"{'an' if _VOWEL.match(name) else 'a'} {name}"


def telling_words(name: str) -> list[str]:
    """The words of a name that mean something by themselves."""
    return [word for word in name.split() if word not in _EMPTY_WORDS and len(word) > 2]
