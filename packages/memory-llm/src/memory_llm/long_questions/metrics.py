"""How right an answer is, from 0 (wrong) to 1 (right): what the benchmarks' own metrics measure, written anew.

Each function takes the answer and the question; where a benchmark gives several right answers, the best one counts
unless it says otherwise.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from memory_llm.haystack.scoring import is_correct
from memory_llm.long_questions.question import LongQuestion
from memory_llm.long_questions.words import (
    CHINESE_FUNCTION_WORDS,
    FUNCTION_WORDS,
    answer_words,
    is_unspaced,
    plain_words,
)

KEYWORD_RECALL, CHINESE_KEYWORD_RECALL = 0.2, 0.4
_NUMBER = re.compile(r"\d+")
_LETTER_SAID = re.compile(r"correct answer is:? *\(?([A-D])\b")
_LETTER_FIRST = re.compile(r"^\W*([A-D])(?=[).:,]|\s*$)")


def f1(answer: str, question: LongQuestion) -> float:
    """Harmonic mean of precision and recall of words, with their counts.

    Source: Rajpurkar et al. 2016 (SQuAD); see :func:`answer_words`.
    """
    said = answer_words(answer)
    return max(_f1(said, answer_words(right)) for right in question.answers)


def recall(answer: str, question: LongQuestion) -> float:
    """Share of the right answer's words that are in the answer, with their counts.

    What is reported as recall on FactRecall; the benchmark's release judges it by F1.
    """
    said = answer_words(answer)
    return max(_recall(said, answer_words(right)) for right in question.answers)


def keyword_f1(answer: str, question: LongQuestion) -> float:
    """F1, or 0 if too few of the answer's keywords are said: fewer than 0.2 of them, 0.4 in Chinese.

    Function words do not count as said.

    Source: Yuan et al. 2024 (LV-Eval) and its release, where the F1 itself is over all words. Differs: the list of
    function words is our own, and Chinese is compared by characters.
    """
    keywords = question.answer_keywords or (question.answers[0] if is_unspaced(question.answers[0]) else "")
    if keywords:
        chinese = is_unspaced(keywords)
        ignored = CHINESE_FUNCTION_WORDS if chinese else FUNCTION_WORDS
        said = [word for word in answer_words(answer) if word not in ignored]
        if _recall(said, answer_words(keywords)) < (CHINESE_KEYWORD_RECALL if chinese else KEYWORD_RECALL):
            return 0.0
    return f1(answer, question)


def rouge_l(answer: str, question: LongQuestion) -> float:
    """F-measure (beta = 1) of the longest common subsequence of words.

    Source: Lin 2004 (ROUGE-L), one sentence. Differs: the releases use a package that weighs recall by beta = 1.2 and
    splits sentences.
    """
    said = plain_words(answer)
    return max(_rouge_l(said, plain_words(right)) for right in question.answers)


def all_strings(answer: str, question: LongQuestion) -> float:
    """Share of the right answers that occur in the answer, in any case.

    Source: Hsieh et al. 2024 (RULER), ``string_match_all``.
    """
    return sum(right.lower() in answer.lower() for right in question.answers) / len(question.answers)


def any_string(answer: str, question: LongQuestion) -> float:
    """Whether one of the right answers occurs in the answer, in any case.

    Source: Hsieh et al. 2024 (RULER), ``string_match_part``.
    """
    return float(any(right.lower() in answer.lower() for right in question.answers))


def exact_match(answer: str, question: LongQuestion) -> float:
    """Whether the words of the answer are those of a right one.

    Source: Rajpurkar et al. 2016 (SQuAD).
    """
    return float(any(answer_words(answer) == answer_words(right) for right in question.answers))


def named_class(answer: str, question: LongQuestion) -> float:
    """One over the number of classes that the answer names, if the right one is among them.

    A class whose name is part of the right one's does not count.

    Source: Bai et al. 2024 (LongBench), ``classification_score``.
    """
    right = question.answers[0]
    named = {one for one in question.classes if one in answer and (one == right or one not in right)}
    return 1 / len(named) if right in named else 0.0


def right_numbers(answer: str, question: LongQuestion) -> float:
    """Share of the numbers in the answer that are the right one's first number.

    Source: Bai et al. 2024 (LongBench), ``count_score`` and ``retrieval_score``.
    """
    said, right = _NUMBER.findall(answer), _NUMBER.search(question.answers[0])
    return said.count(right[0]) / len(said) if said and right is not None else 0.0


def right_letter(answer: str, question: LongQuestion) -> float:
    """Whether the letter after "correct answer is", or else at the beginning of the answer, is the right one.

    Source: Bai et al. 2024 (LongBench v2). Differs: the answer may go on from the cue, and begin with the letter.
    """
    said = answer.replace("*", "")
    found = _LETTER_SAID.search(said) or _LETTER_FIRST.search(said)
    return float(found is not None and found[1] == question.answers[0])


def line_similarity(answer: str, question: LongQuestion) -> float:
    """Likeness of the answer's first line of code with the right one, by common blocks of characters.

    Source: Bai et al. 2024 (LongBench), ``code_sim_score``. Differs: not rounded to whole percents, and always by
    difflib.
    """
    lines = [line for line in answer.lstrip("\n").split("\n") if not any(mark in line for mark in ("`", "#", "//"))]
    said = lines[0] if lines else ""
    return max(SequenceMatcher(None, said, right).ratio() for right in question.answers)


def needle(answer: str, question: LongQuestion) -> float:
    """Whether the answer holds the needle; see :func:`memory_llm.haystack.is_correct`."""
    return float(is_correct(answer, question.answers[0]))


Metric = Callable[[str, LongQuestion], float]
METRICS: dict[str, Metric] = {
    metric.__name__: metric
    for metric in (
        all_strings,
        any_string,
        exact_match,
        f1,
        keyword_f1,
        line_similarity,
        named_class,
        needle,
        recall,
        right_letter,
        right_numbers,
        rouge_l,
    )
}


def _f1(said: Sequence[str], right: Sequence[str]) -> float:
    common = _common(said, right)
    return 2 * common / (len(said) + len(right)) if common else 0.0


def _recall(said: Sequence[str], right: Sequence[str]) -> float:
    return _common(said, right) / len(right) if right else 0.0


def _common(said: Sequence[str], right: Sequence[str]) -> int:
    return (Counter(said) & Counter(right)).total()


def _rouge_l(said: Sequence[str], right: Sequence[str]) -> float:
    longest = [0] * (len(right) + 1)  # of the words said so far, by words of the right answer
    for word in said:
        diagonal = 0
        for place, wanted in enumerate(right, 1):
            above = longest[place]
            longest[place] = diagonal + 1 if word == wanted else max(above, longest[place - 1])
            diagonal = above
    return 2 * longest[-1] / (len(said) + len(right)) if longest[-1] else 0.0
