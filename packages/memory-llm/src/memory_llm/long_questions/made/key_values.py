"""Numbers of things, hidden in a book: one of several keys, all values of a key, or several keys at once."""

from dataclasses import dataclass

import numpy as np

from memory_llm.haystack.indexed_book import IndexedBook, Stretch
from memory_llm.haystack.token_offsets import token_starts
from memory_llm.long_questions.question import LongQuestion, level_of

DIGITS = 7
_COLOURS = (
    "amber", "azure", "bronze", "copper", "coral", "crimson", "ebony", "emerald", "golden", "indigo", "ivory", "jade",
    "lilac", "maroon", "ochre", "olive", "pearl", "russet", "scarlet", "silver", "teal", "umber", "violet", "white",
)  # fmt: skip
_THINGS = (
    "anchor", "barrel", "basket", "bell", "candle", "carriage", "casket", "chest", "clock", "compass", "crate", "drum",
    "easel", "ferry", "globe", "harp", "kettle", "kite", "lantern", "locker", "mirror", "oven", "wagon", "windmill",
)  # fmt: skip


@dataclass(frozen=True)
class KeyValueKind:
    """How many keys there are, how many values each has, and how many keys are asked for."""

    keys: int
    values: int
    asked: int


KEY_VALUE_KINDS = {
    "multi_key": KeyValueKind(keys=4, values=1, asked=1),
    "multi_value": KeyValueKind(keys=1, values=4, asked=1),
    "multi_query": KeyValueKind(keys=4, values=1, asked=4),
}


def key_value_question(task: str, book: IndexedBook, num_tokens: int, seed: int) -> LongQuestion:
    """Sentences that give things numbers, between sentences of a book, and a question about one thing or several.

    Args:
        task: Name in :data:`KEY_VALUE_KINDS`.
        book: Filler; a random stretch of it.
        num_tokens: Most tokens of the text, by the book's tokenizer; from a few hundred on it is nearly reached.
        seed: Of all draws.

    Raises:
        ValueError: If there is no room for the sentences and one of the book's.

    Source: Hsieh et al. 2024 (RULER) for the kinds and their numbers of keys, values and queries. Words and sentences
    are our own, and no sentence of the filler is cut.
    """
    kind, rng = KEY_VALUE_KINDS[task], np.random.default_rng(seed)
    keys = [str(name) for name in rng.choice(_names(), size=kind.keys, replace=False)]
    numbers = iter(_numbers(kind.keys * kind.values, rng))
    values = {key: [next(numbers) for _ in range(kind.values)] for key in keys}
    sentences = [f"The number of the {key} is {value}." for key in keys for value in values[key]]
    rng.shuffle(sentences)
    asked = [str(key) for key in rng.choice(keys, size=kind.asked, replace=False)]
    plural, of_what = kind.asked * kind.values > 1, _listed([f"the {key}" for key in asked])
    return LongQuestion(
        id=f"{task}-{num_tokens}-{seed}",
        context=_filled(sentences, book, num_tokens, rng),
        question=f"What are all the numbers of {of_what}?" if plural else f"What is the number of {of_what}?",
        answers=tuple(value for key in asked for value in values[key]),
        task=task,
        length=num_tokens,
        level=level_of(num_tokens),
        cue=f"The numbers of {of_what} are" if plural else f"The number of {of_what} is",
    )


def _names() -> list[str]:
    return [f"{colour} {thing}" for colour in _COLOURS for thing in _THINGS]


def _numbers(count: int, rng: np.random.Generator) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[str(rng.integers(10 ** (DIGITS - 1), 10**DIGITS))] = None
    return list(found)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _filled(sentences: list[str], book: IndexedBook, num_tokens: int, rng: np.random.Generator) -> str:
    """A stretch of the book with the sentences between its own, in their order, of no more tokens than asked."""
    room = num_tokens - sum(len(token_starts(f" {sentence}", book.tokenizer)) for sentence in sentences)
    stretch_seed, depths = int(rng.integers(2**32)), np.sort(rng.random(len(sentences)))
    while True:
        stretch = book.draw_stretch(room, np.random.default_rng(stretch_seed))
        text = _inserted(sentences, depths, stretch)
        counted = len(token_starts(text, book.tokenizer))
        if counted <= num_tokens:
            return text
        room -= counted - num_tokens  # tokens at the seams may differ from those counted in the book


def _inserted(sentences: list[str], depths: np.ndarray, stretch: Stretch) -> str:
    parts, done = [], 0
    for sentence, depth in zip(sentences, depths, strict=True):
        boundary = int(np.abs(stretch.boundary_tokens - depth * stretch.boundary_tokens[-1]).argmin())
        char = int(stretch.boundary_chars[boundary])
        parts += [stretch.text[done:char], f" {sentence}"]
        done = char
    return "".join([*parts, stretch.text[done:]]).strip()
