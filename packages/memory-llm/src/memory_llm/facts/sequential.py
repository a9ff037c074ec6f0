"""Retention: after n edits one after another, how many of all the edits so far still hold?"""

from collections.abc import Sequence

from tqdm import tqdm

from memory_llm.facts.fact import Fact
from memory_llm.facts.method import Method
from memory_llm.facts.report import Outcome, Report
from memory_llm.facts.targets import MEASURES, answerers, ask, questions_of, success


def retention(method: Method, facts: Sequence[Fact], *, checkpoints: Sequence[int], progress: bool = False) -> Report:
    """Ask all facts told so far, on their own prompts, after the first n were told in order.

    Gives an outcome with the setting ``{"edits": n}`` and the measures ``retention.s``, ``.first`` and ``.whole`` for
    each checkpoint. The facts of a checkpoint are told anew, in order.

    Args:
        method: How facts are told.
        facts: In the order of the edits.
        checkpoints: Numbers n of edits.
        progress: Show a bar on stderr.

    Source:
        The edit retention rate of GRACE (Hartvigsen et al. 2023) and Larimar. Differs: theirs is a mean F1 of generated
        words; ours are the measures of :func:`memory_llm.facts.targets.success`.

    Raises:
        ValueError: If a checkpoint is not in [1, number of facts].
    """
    for number in checkpoints:
        if not 1 <= number <= len(facts):
            raise ValueError(f"`checkpoints` must be in [1, {len(facts)}], the number of facts, got {number}.")
    outcomes = []
    for number in tqdm(checkpoints, desc=f"{method.name}, retention", unit="checkpoint", disable=not progress):
        told = facts[:number]
        scores = ask(
            answerers(method, told, alone=False),
            [question for index, fact in enumerate(told) for question in questions_of(index, fact, [fact.prompt])],
        )
        rates = [success(index, fact, [fact.prompt], scores) for index, fact in enumerate(told)]
        outcomes.append(
            Outcome(
                method=method.name,
                setting={"edits": number},
                fact_ids=[fact.id for fact in told],
                per_fact={
                    f"retention.{measure}": list(values)
                    for measure, values in zip(MEASURES, zip(*rates, strict=True), strict=True)
                },
            )
        )
    return Report(outcomes=tuple(outcomes))
