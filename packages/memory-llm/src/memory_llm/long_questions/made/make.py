"""Questions of all made tasks and lengths, each the same whatever else is made."""

import difflib
from collections.abc import Iterator, Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.indexed_book import IndexedBook
from memory_llm.long_questions.made.key_values import KEY_VALUE_KINDS, key_value_question
from memory_llm.long_questions.made.word_lists import book_words, common_words_question, frequent_words_question
from memory_llm.long_questions.question import LongQuestion

MADE_TASKS = (*KEY_VALUE_KINDS, "common_words", "frequent_words")


def make_questions(
    book: str,
    tokenizer: PreTrainedTokenizerBase,
    *,
    lengths: Sequence[int],
    tasks: Sequence[str] = MADE_TASKS,
    per_cell: int = 1,
    seed: int = 0,
) -> Iterator[LongQuestion]:
    """Questions of every task and length, ``per_cell`` of each, one at a time.

    Args:
        book: Its text: filler of some tasks, words of others.
        tokenizer: Whose tokens are counted; it must be a fast one.
        lengths: Most tokens of a text.
        tasks: Names in :data:`MADE_TASKS`.
        per_cell: Questions of each task and length.
        seed: Not negative.

    Raises:
        ValueError: If there is nothing to make, a task is unknown, or a length is too short for one.
    """
    for task in tasks:
        if task not in MADE_TASKS:
            nearest = difflib.get_close_matches(task, MADE_TASKS, 1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
            raise ValueError(f"`tasks` must be of {', '.join(MADE_TASKS)}, got {task!r}{hint}")
    if per_cell < 1 or not lengths or not tasks:
        raise ValueError(
            f"there is nothing to make of {len(tasks)} tasks, {len(lengths)} lengths and {per_cell} questions each."
        )
    return _made(
        book, tokenizer, [(task, length, n) for task in tasks for length in lengths for n in range(per_cell)], seed
    )


def _made(
    book: str, tokenizer: PreTrainedTokenizerBase, cells: Sequence[tuple[str, int, int]], seed: int
) -> Iterator[LongQuestion]:
    indexed, words = IndexedBook(book, tokenizer), book_words(book)
    for task, length, number in cells:
        entropy = np.random.SeedSequence([seed, MADE_TASKS.index(task), length, number])
        own_seed = int(entropy.generate_state(1)[0])
        if task in KEY_VALUE_KINDS:
            yield key_value_question(task, indexed, length, own_seed)
        elif task == "common_words":
            yield common_words_question(words, tokenizer, length, own_seed)
        else:
            yield frequent_words_question(tokenizer, length, own_seed)
