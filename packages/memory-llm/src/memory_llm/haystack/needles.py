"""Facts to hide in a long text, drawn from a seeded generator: a pass key, or one sentence about an invented world."""

from dataclasses import dataclass

import numpy as np

PASSKEY_DIGITS = 5

_TOWNS = (
    "Arvenholt", "Brimsey", "Calderwick", "Dunmorrow", "Elspeth Bay", "Farrowmere", "Glimsund", "Harrowgale",
    "Istenby", "Jorvale", "Kestrelford", "Lindermouth", "Marrowby", "Nettlecombe", "Ostwyn", "Pellagate",
    "Quillhaven", "Rosmere", "Stavering", "Thornevik", "Umberleigh", "Velmora", "Wexholm", "Yarrowdale",
)  # fmt: skip
_ACTIVITIES = (
    "flying paper kites", "tasting plum jam", "watching glass blowers", "rowing to Heron Island",
    "feeding tame otters", "riding the cable tram", "listening to church bells", "climbing the salt tower",
    "buying amber buttons", "skating on Mill Pond", "counting shooting stars", "painting wooden masks",
    "hearing harp music", "baking chestnut bread", "walking the chalk maze", "catching river crabs",
    "dancing on stilts", "reading old almanacs", "polishing brass lamps", "planting blue tulips",
    "racing clockwork boats", "brewing nettle tea", "collecting green marbles", "visiting the moth museum",
)  # fmt: skip
_PERSONS = (
    "Adela Finch", "Bruno Hartley", "Cosima Vane", "Desmond Orr", "Edith Marlow", "Felix Aumont", "Greta Solberg",
    "Hugo Pryce", "Irma Calloway", "Jasper Lund", "Kitty Arden", "Leopold Quist", "Mabel Thorne", "Niels Harker",
    "Ottilie Brandt", "Percy Swann", "Rosa Delmar", "Silas Wray", "Tilda Moss", "Viktor Anselm",
)  # fmt: skip
_OBJECTS = (
    "silver thimble", "ivory flute", "brass compass", "velvet mask", "copper kettle", "jade comb", "music box",
    "pearl brooch", "tin soldier", "opal ring", "leather atlas", "crystal inkwell", "marble owl", "walnut pipe",
)  # fmt: skip
_PLACES = (
    "grandfather clock", "pigeon loft", "butter churn", "piano stool", "flour barrel", "hollow oak", "coal cellar",
    "sewing basket", "church organ", "rain barrel", "potting shed", "beehive", "haystack", "laundry chute",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Needle:
    """A fact to hide and how to ask for it."""

    sentence: str
    """What is put into the text."""
    question: str
    """For a reader that is asked."""
    cue: str
    """The beginning of the answering sentence, for a decoder that completes it; no space at its end."""
    answer: str
    """What must come back: five digits exactly, or words that must all occur; see :func:`is_correct`."""


def passkey(rng: np.random.Generator) -> Needle:
    """A random number of five digits, said twice.

    Source: Mohtashami and Jaggi 2023 (Landmark Attention). Differs: always five digits, none zero-led.
    """
    key = str(rng.integers(10 ** (PASSKEY_DIGITS - 1), 10**PASSKEY_DIGITS))
    return Needle(
        sentence=f"The pass key is {key}. Remember it. {key} is the pass key.",
        question="What is the pass key?",
        cue="The pass key is",
        answer=key,
    )


def needle(rng: np.random.Generator) -> Needle:
    """A sentence about an invented town, or about a person who hid something; 4,496 distinct ones.

    Source: the form of Kamradt 2023 (needle in a haystack: the best thing to do in a city); words are our own, so that
    no model has met the answer.
    """
    return _town(rng) if rng.random() < 0.5 else _hiding(rng)


def _town(rng: np.random.Generator) -> Needle:
    town, activity = str(rng.choice(_TOWNS)), str(rng.choice(_ACTIVITIES))
    cue = f"The best thing to do in {town} is"
    return Needle(
        sentence=f"{cue} {activity}.",
        question=f"What is the best thing to do in {town}?",
        cue=cue,
        answer=activity,
    )


def _hiding(rng: np.random.Generator) -> Needle:
    person, thing, place = str(rng.choice(_PERSONS)), str(rng.choice(_OBJECTS)), str(rng.choice(_PLACES))
    cue = f"{person} hid the {thing} inside the"
    return Needle(sentence=f"{cue} {place}.", question=f"Where did {person} hide the {thing}?", cue=cue, answer=place)
