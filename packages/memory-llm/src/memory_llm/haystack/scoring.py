"""Whether an answer holds what was hidden."""

import re

from memory_llm.haystack.needles import PASSKEY_DIGITS

_KEY = re.compile(rf"(?<!\d)\d{{{PASSKEY_DIGITS}}}(?!\d)", re.ASCII)
_WORD = re.compile(r"\w+")


def is_correct(answer: str, expected: str) -> bool:
    """Whether an answer is right.

    If five digits are expected, the first run of exactly five digits in the answer must be the same: a reader that
    lists numbers until one fits is wrong. Else each word expected must occur in the answer, as a whole word, in any
    order and case.

    Args:
        answer: What a reader said, without the cue it completed.
        expected: ``Needle.answer``.

    Raises:
        ValueError: If ``expected`` holds no word, so that any answer would be right.
    """
    if _KEY.fullmatch(expected):
        found = _KEY.search(answer)
        return found is not None and found[0] == expected
    words = _words(expected)
    if not words:
        raise ValueError(f"`expected` must hold a word or a number, got {expected!r}; give the needle an answer.")
    return words <= _words(answer)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
