"""Forgetting: are forgotten facts gone, are the others still there, and does a paraphrase bring the secret back?"""

import math
import re
from collections.abc import Sequence

from memory_llm.facts.fact import Fact
from memory_llm.facts.method import Answerer, Method, check_known
from memory_llm.facts.report import Outcome, Report
from memory_llm.facts.targets import rate


def forgetting(
    method: Method,
    facts: Sequence[Fact],
    forget_ids: Sequence[str],
    *,
    base: Answerer,
    max_new_tokens: int = 16,
) -> Report:
    """Tell facts together, forget some of them, and ask for all.

    Gives one outcome with the setting ``{"told": ..., "forgotten": ...}``. Measures: ``recall.told`` (whole target on
    the own prompt before forgetting), ``recall.forgotten`` and ``recall.retained`` (the same after it), ``leak`` (rate
    of a forgotten fact's paraphrases, under both protocols, whose greedy answer holds the target as whole words) and
    ``leak.base`` (the same of the model that was never told, which may know it anyway).

    Args:
        method: How facts are told.
        facts: All facts.
        forget_ids: Which to forget.
        base: The model without edits.
        max_new_tokens: Length of the greedy answers, in tokens.

    Source:
        Larimar (arXiv 2403.11901), tables 4 and 5. Differs: its attack searches 20 rewrites; ours are the paraphrases
        of the file, and upper and lower case do not matter.

    Raises:
        ValueError: If there is nothing to forget, or an id is unknown.
        NotImplementedError: If the method cannot forget.
    """
    if not forget_ids:
        raise ValueError("`forget_ids` is empty; name at least one fact to forget.")
    check_known(forget_ids, {fact.id for fact in facts})
    answerer = method.told(facts)
    before = _recall(answerer, facts)
    answerer.forget(forget_ids)
    after = _recall(answerer, facts)
    is_forgotten = [fact.id in forget_ids for fact in facts]
    forgotten = [fact for fact, gone in zip(facts, is_forgotten, strict=True) if gone]
    leaks = {
        name: dict(zip([fact.id for fact in forgotten], _leak(which, forgotten, max_new_tokens), strict=True))
        for name, which in (("leak", answerer), ("leak.base", base))
    }
    per_fact = {
        "recall.told": before,
        "recall.forgotten": [value if gone else math.nan for value, gone in zip(after, is_forgotten, strict=True)],
        "recall.retained": [math.nan if gone else value for value, gone in zip(after, is_forgotten, strict=True)],
        **{name: [values.get(fact.id, math.nan) for fact in facts] for name, values in leaks.items()},
    }
    return Report(
        outcomes=(
            Outcome(
                method=method.name,
                setting={"told": len(facts), "forgotten": len(forgotten)},
                fact_ids=[fact.id for fact in facts],
                per_fact=per_fact,
            ),
        )
    )


def _recall(answerer: Answerer, facts: Sequence[Fact]) -> list[float]:
    scores = answerer.score([fact.prompt for fact in facts], [fact.target for fact in facts])
    return [float(score.whole) for score in scores]


def _leak(answerer: Answerer, facts: Sequence[Fact], max_new_tokens: int) -> list[float]:
    """Rate of each fact's paraphrases whose answer holds its target; NaN without paraphrases."""
    prompts = [tuple(dict.fromkeys(fact.paraphrases + fact.stripped_paraphrases())) for fact in facts]
    answers = iter(answerer.answer([one for own in prompts for one in own], max_new_tokens=max_new_tokens))
    return [rate([_holds(next(answers), fact.target) for _ in own]) for fact, own in zip(facts, prompts, strict=True)]


def _holds(answer: str, target: str) -> bool:
    """Whether the words of the target stand in the answer, whatever their case."""
    return re.search(rf"(?<!\w){re.escape(target)}(?!\w)", answer, re.IGNORECASE) is not None
