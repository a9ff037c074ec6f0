"""Does an edit take, does it reach paraphrases, and does it leave everything else alone?

Source: the success rates of CounterFact (Meng et al. 2022), with greedy hits and the KL of the next token beside them.
Differs: both paraphrase protocols are reported; both targets of a comparison are scored under one conditioning, which
never sees a target; means are over facts, not over prompts, and so are the intervals.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from memory_llm.facts.fact import Fact
from memory_llm.facts.method import Answerer, Method, TargetScore
from memory_llm.facts.report import Outcome, Report
from memory_llm.facts.targets import (
    MEASURES,
    AnswererFor,
    Question,
    answerers,
    ask,
    questions_of,
    rate,
    success,
)

_FACTS_AT_ONCE = 32  # of facts told alone; bounds the next-token distributions that are held
_PROMPTS_AT_ONCE = 128


def evaluate(
    method: Method,
    facts: Sequence[Fact],
    *,
    base: Answerer,
    alone: bool = True,
    num_together: Sequence[int] = (),
    progress: bool = False,
) -> Report:
    """Measure a method with each fact told alone, and with N told together.

    Measures, by fact: ``reliability`` (the fact's own prompt), ``paraphrase_full`` and ``paraphrase_stripped``, each as
    ``.s``, ``.first`` and ``.whole`` (see :func:`memory_llm.facts.targets.success`); and ``locality`` over neighbours
    as ``.success`` (true target more likely than the new one), ``.same_top1`` (most likely next token as the base
    model's) and ``.kl`` (KL(base || method) of the next token, in nats).

    Args:
        method: How facts are told.
        facts: Asked about. N together are consecutive groups of N; facts that fill no group are left out.
        base: The model without edits.
        alone: Measure facts told alone; the outcome has the setting ``{"told": 1}``.
        num_together: Numbers N; each gives an outcome with the setting ``{"told": N}``.
        progress: Show a bar on stderr.

    Raises:
        ValueError: If there are no facts, or a number is not in [1, number of facts].
    """
    for number in num_together:
        if not 1 <= number <= len(facts):
            raise ValueError(f"`num_together` must be in [1, {len(facts)}], the number of facts, got {number}.")
    if not facts:
        raise ValueError("`facts` is empty; give at least one.")
    outcomes = [_outcome(method, facts, base, _FACTS_AT_ONCE, alone=True, progress=progress)] if alone else []
    for number in num_together:
        whole_groups = facts[: len(facts) // number * number]
        outcomes.append(_outcome(method, whole_groups, base, number, alone=False, progress=progress))
    return Report(outcomes=tuple(outcomes))


def _outcome(
    method: Method, facts: Sequence[Fact], base: Answerer, group_size: int, *, alone: bool, progress: bool
) -> Outcome:
    told = 1 if alone else group_size
    rows: list[dict[str, float]] = []
    starts = range(0, len(facts), group_size)
    for start in tqdm(starts, desc=f"{method.name}, {told} told", unit="group", disable=not progress):
        group = facts[start : start + group_size]
        rows += _measure(answerers(method, group, alone=alone), group, base)
    return Outcome(
        method=method.name,
        setting={"told": told},
        fact_ids=[fact.id for fact in facts],
        per_fact={measure: [row[measure] for row in rows] for measure in rows[0]},
    )


def _measure(answerer_for: AnswererFor, facts: Sequence[Fact], base: Answerer) -> list[dict[str, float]]:
    """All measures of each fact of a group, by name."""
    scores = ask(answerer_for, [one for index, fact in enumerate(facts) for one in _questions(index, fact)])
    shifts = _next_token_shifts(answerer_for, facts, base)
    rows = []
    for index, fact in enumerate(facts):
        row: dict[str, float] = {}
        for kind, prompts in _prompts_by_kind(fact).items():
            rates = success(index, fact, prompts, scores)
            row |= {f"{kind}.{measure}": value for measure, value in zip(MEASURES, rates, strict=True)}
        row["locality.success"] = _neighbour_success(index, fact, scores)
        row["locality.same_top1"], row["locality.kl"] = shifts[index]
        rows.append(row)
    return rows


def _prompts_by_kind(fact: Fact) -> dict[str, tuple[str, ...]]:
    return {
        "reliability": (fact.prompt,),
        "paraphrase_full": fact.paraphrases,
        "paraphrase_stripped": fact.stripped_paraphrases(),
    }


def _questions(index: int, fact: Fact) -> list[Question]:
    questions = [one for prompts in _prompts_by_kind(fact).values() for one in questions_of(index, fact, prompts)]
    if fact.neighbour_target is not None:
        targets = (fact.neighbour_target, fact.target)
        questions += [Question(index, prompt, target) for prompt in fact.neighbours for target in targets]
    return questions


def _neighbour_success(index: int, fact: Fact, scores: dict[Question, TargetScore]) -> float:
    """Rate of neighbours whose true target is more likely than the new one; NaN where the true one is unknown."""
    if fact.neighbour_target is None:
        return math.nan
    true, new = (
        [scores[Question(index, prompt, target)].log_prob for prompt in fact.neighbours]
        for target in (fact.neighbour_target, fact.target)
    )
    return rate([one > other for one, other in zip(true, new, strict=True)])


def _next_token_shifts(answerer_for: AnswererFor, facts: Sequence[Fact], base: Answerer) -> list[tuple[float, float]]:
    """For each fact the rate of neighbours with the same most likely next token, and their mean KL from the base."""
    asked = [(index, prompt) for index, fact in enumerate(facts) for prompt in fact.neighbours]
    same: list[list[float]] = [[] for _ in facts]
    nats: list[list[float]] = [[] for _ in facts]
    for start in range(0, len(asked), _PROMPTS_AT_ONCE):
        part = asked[start : start + _PROMPTS_AT_ONCE]
        prompts = [prompt for _, prompt in part]
        before = base.next_log_probs(prompts)
        after = answerer_for([index for index, _ in part]).next_log_probs(prompts)
        agree = before.argmax(-1) == after.argmax(-1)
        for (index, _), is_same, divergence in zip(part, agree.tolist(), _kl(before, after).tolist(), strict=True):
            same[index].append(float(is_same))
            nats[index].append(divergence)
    return [(rate(one), rate(other)) for one, other in zip(same, nats, strict=True)]


def _kl(before: Float[Tensor, "prompts vocab"], after: Float[Tensor, "prompts vocab"]) -> Float[Tensor, " prompts"]:
    """KL(before || after) of each row, in nats; a token that is impossible before counts nothing."""
    before, after = before.double(), after.double()
    terms = torch.where(before > -math.inf, before.exp() * (before - after), 0.0)
    return terms.sum(-1)
