"""Facts to edit into a model: reading them, telling them by baseline methods, and judging any method that tells them.

A :class:`Fact` is a prompt, the target that must follow it, paraphrases that must lead there too, and neighbours that
must not. A :class:`Method` tells facts and gives an :class:`Answerer`; :func:`evaluate`, :func:`retention` and
:func:`forgetting` ask it. Log-probabilities and KL are in nats, means are over facts.
"""

from memory_llm.facts.baselines import WORDINGS, FineTune, InContext, Lookup, NoEdit
from memory_llm.facts.evaluate import evaluate
from memory_llm.facts.fact import Fact, conflicts
from memory_llm.facts.forgetting import forgetting
from memory_llm.facts.interval import Interval, mean_interval
from memory_llm.facts.method import Answerer, Method, TargetScore
from memory_llm.facts.reading import read_facts
from memory_llm.facts.report import Outcome, Report
from memory_llm.facts.sequential import retention
from memory_llm.facts.teacher_forcing import Forward, next_log_probs, plain_forward, score_targets

__all__ = [
    "WORDINGS",
    "Answerer",
    "Fact",
    "FineTune",
    "Forward",
    "InContext",
    "Interval",
    "Lookup",
    "Method",
    "NoEdit",
    "Outcome",
    "Report",
    "TargetScore",
    "conflicts",
    "evaluate",
    "forgetting",
    "mean_interval",
    "next_log_probs",
    "plain_forward",
    "read_facts",
    "retention",
    "score_targets",
]
