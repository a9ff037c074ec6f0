"""Lists of words of which some occur more often than the others, and the question which."""

import re
import string
from collections.abc import Callable

import numpy as np
from scipy.special import zeta
from transformers import PreTrainedTokenizerBase

from memory_llm.long_questions.question import LongQuestion, level_of

NUM_COMMON, NUM_FREQUENT = 10, 3
SHORT_LIST = 4096
ZIPF_EXPONENT, CODED_LETTERS, TOKENS_A_CODED_WORD = 2.0, 6, 50
_WORD = re.compile(r"\b[a-z]{4,10}\b")


def book_words(text: str) -> list[str]:
    """The different words of a book that have 4 to 10 lower-case letters, in the order of the alphabet."""
    return sorted(set(_WORD.findall(text)))


def common_words_question(
    words: list[str], tokenizer: PreTrainedTokenizerBase, num_tokens: int, seed: int
) -> LongQuestion:
    """A numbered list in which ten words occur thirty times and all others three times; six times and once if short.

    Args:
        words: To draw from, all different; see :func:`book_words`.
        tokenizer: Whose tokens are counted.
        num_tokens: Most tokens of the list; nearly reached. Lists below 4,096 are short.
        seed: Of words and order.

    Raises:
        ValueError: If there are too few words for such a list, or no room for one.

    Source: Hsieh et al. 2024 (RULER), common words extraction. Differs: no solved example before it, and words of a
    book.
    """
    often, seldom = (30, 3) if num_tokens >= SHORT_LIST else (6, 1)
    rng = np.random.default_rng(seed)
    drawn = [words[row] for row in rng.permutation(len(words))]
    common, order = drawn[:NUM_COMMON], int(rng.integers(2**32))

    def text(num_others: int) -> str:
        others = drawn[NUM_COMMON : NUM_COMMON + num_others]
        if len(others) < num_others:
            raise ValueError(
                f"a list of {num_tokens} tokens needs {NUM_COMMON + num_others} different words, but the book has "
                f"{len(words)}; give a longer book or a shorter length."
            )
        entries = common * often + others * seldom
        shuffled = np.random.default_rng(order).permutation(entries)
        return " ".join(f"{number}. {word}" for number, word in enumerate(shuffled, 1))

    return LongQuestion(
        id=f"common_words-{num_tokens}-{seed}",
        context=_longest(text, tokenizer, num_tokens, start=num_tokens // 20),
        question=f"What are the {NUM_COMMON} most common words in the list?",
        answers=tuple(common),
        task="common_words",
        length=num_tokens,
        level=level_of(num_tokens),
        cue=f"The {NUM_COMMON} most common words in the list are",
    )


def frequent_words_question(tokenizer: PreTrainedTokenizerBase, num_tokens: int, seed: int) -> LongQuestion:
    """A text of made-up words whose counts fall as a power of their rank; the first rank is dots, the next are asked.

    Args:
        tokenizer: Whose tokens are counted.
        num_tokens: Most tokens of the text; nearly reached.
        seed: Of words and order.

    Raises:
        ValueError: If there is no room for so many words that the first three ranks differ.

    Source: Hsieh et al. 2024 (RULER), frequent words extraction, with exponent 2 and a vocabulary of a word for every
    50 tokens.
    """
    rng = np.random.default_rng(seed)
    vocabulary = ["...", *_coded_words(max(num_tokens // TOKENS_A_CODED_WORD, 2 * NUM_FREQUENT), rng)]
    ranks, order = np.arange(1, len(vocabulary) + 1), int(rng.integers(2**32))

    def text(num_words: int) -> str:
        counts = (num_words * ranks**-ZIPF_EXPONENT / zeta(ZIPF_EXPONENT)).astype(int)
        if len(set(counts[: NUM_FREQUENT + 2].tolist())) < NUM_FREQUENT + 2:
            raise ValueError(
                f"{num_tokens} tokens are too few for {NUM_FREQUENT} words that occur most often; ask for more."
            )
        return " ".join(np.random.default_rng(order).permutation(np.repeat(vocabulary, counts)))

    return LongQuestion(
        id=f"frequent_words-{num_tokens}-{seed}",
        context=_longest(text, tokenizer, num_tokens, start=num_tokens // 4),
        question=f"What are the {NUM_FREQUENT} words that occur most often in the text, apart from the dots?",
        answers=tuple(vocabulary[1 : NUM_FREQUENT + 1]),
        task="frequent_words",
        length=num_tokens,
        level=level_of(num_tokens),
        cue=f"The {NUM_FREQUENT} words that occur most often are",
    )


def _coded_words(count: int, rng: np.random.Generator) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(list(string.ascii_lowercase), size=CODED_LETTERS))] = None
    return list(found)


def _longest(text: Callable[[int], str], tokenizer: PreTrainedTokenizerBase, num_tokens: int, *, start: int) -> str:
    """A text of nearly so many tokens and no more, whose length grows evenly with its size.

    Two sizes, ``start`` and half of it, tell the tokens that a step in size adds.
    """
    half, size = start // 2, max(2, start)
    before, counted = (_count(text(each), tokenizer) for each in (half, size))
    tokens_a_step = max(1.0, (counted - before) / (size - half))
    size += int((num_tokens - counted) / tokens_a_step)
    while size > 0:
        found = text(size)
        counted = _count(found, tokenizer)
        if counted <= num_tokens:
            return found
        size -= 1 + int((counted - num_tokens) / tokens_a_step)
    raise ValueError(f"{num_tokens} tokens leave no room for a list of words; ask for more.")


def _count(text: str, tokenizer: PreTrainedTokenizerBase) -> int:
    return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
