"""Whether an answer names the one right label of a task, and no other."""

import re
from collections.abc import Iterable
from functools import cache

_FURTHER_EXAMPLES = ("<context>", "<example>")


def names_only(answer: str, target: str, question: str, labels: Iterable[str]) -> bool:
    """Whether the labels that an answer names are those of the target.

    Case does not count. The answer ends at its first full stop, and where the model goes on to invent a ``<context>``
    or an ``<example>``. A label that the question names is ignored. So an answer that lists rooms until one fits is
    wrong.

    Args:
        answer: What a reader said.
        target: A label, or several with blanks between them.
        question: What was asked.
        labels: All answers of the task.

    Raises:
        ValueError: If the target is no label.

    Source:
        The scorer of BABILong (Kuratov et al. 2024), which looks for labels anywhere in the answer. Differs: a target
        may be several labels; and a label that ends in a digit is not found in a longer number.
    """
    known = {label.casefold() for label in labels}
    wanted = set(target.casefold().split())
    if not wanted or not wanted <= known:
        raise ValueError(
            f"the target {target!r} is none of the labels {', '.join(sorted(known)[:20])}; add it to `labels`."
        )
    said = answer.casefold().split(".")[0]
    for mark in _FURTHER_EXAMPLES:
        said = said.split(mark)[0]
    asked = question.casefold()
    return {label for label in known if _names(said, label) and not _names(asked, label)} == wanted


def _names(text: str, label: str) -> bool:
    return _pattern(label).search(text) is not None


@cache  # re forgets patterns beyond the 512th; a task may have more labels, and each answer is searched for all
def _pattern(label: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\d){re.escape(label)}(?!\d)")
