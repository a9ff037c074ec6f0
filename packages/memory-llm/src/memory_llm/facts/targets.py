"""How well a target is produced after some prompts: the measures S, first and whole."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from memory_llm.facts.fact import Fact
from memory_llm.facts.method import Answerer, Method, TargetScore

MEASURES = ("s", "first", "whole")
AnswererFor = Callable[[Sequence[int]], Answerer]
"""The answerer for questions about these facts (by index, one for each question)."""


class Question(NamedTuple):
    """A target to score after a prompt, asked about a fact (by index)."""

    fact: int
    prompt: str
    target: str


def answerers(method: Method, facts: Sequence[Fact], *, alone: bool) -> AnswererFor:
    """Facts told to one memory that answers all questions, or each to a memory that answers questions about it."""
    if alone:
        return lambda rows: method.told([facts[row] for row in rows], alone=True)
    together = method.told(facts)
    return lambda rows: together


def ask(answerer_for: AnswererFor, questions: Iterable[Question]) -> dict[Question, TargetScore]:
    """Scores of questions; each distinct one is asked once, all in one call."""
    distinct = list(dict.fromkeys(questions))
    if not distinct:
        return {}
    answerer = answerer_for([question.fact for question in distinct])
    scores = answerer.score([question.prompt for question in distinct], [question.target for question in distinct])
    return dict(zip(distinct, scores, strict=True))


def questions_of(index: int, fact: Fact, prompts: Sequence[str]) -> list[Question]:
    """The new target and, where it is known, the old one after each prompt."""
    targets = [fact.target] if fact.old_target is None else [fact.target, fact.old_target]
    return [Question(index, prompt, target) for prompt in prompts for target in targets]


def success(
    index: int, fact: Fact, prompts: Sequence[str], scores: dict[Question, TargetScore]
) -> tuple[float, float, float]:
    """S, first and whole of a fact, as rates over prompts; NaN without prompts, S also without an old target.

    S: the new target has a higher mean log-probability per token than the old one, both under the same conditions.
    First and whole: see :class:`TargetScore`.
    """
    new = [scores[Question(index, prompt, fact.target)] for prompt in prompts]
    more_likely: list[bool] = []
    if fact.old_target is not None:
        old = [scores[Question(index, prompt, fact.old_target)] for prompt in prompts]
        more_likely = [one.log_prob > other.log_prob for one, other in zip(new, old, strict=True)]
    return rate(more_likely), rate([score.first for score in new]), rate([score.whole for score in new])


def rate(values: Sequence[float | bool]) -> float:
    """Mean; NaN of nothing."""
    return float(np.mean(values)) if len(values) else math.nan
