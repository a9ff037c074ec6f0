"""A rule in the place of a model, so that everything around a model can be tried without one."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from agent_tom.backends.backend import Backend

Rule = Callable[[str, str, Sequence[str]], Sequence[float]]


class ScriptedBackend(Backend):
    """Scores options by a rule.

    Args:
        rule: Of a row's text, a probe and its options, the probability of each option; what they lack of 1 is the
            probability that the answer is none of them.
    """

    def __init__(self, rule: Rule):
        self.rule = rule
        self.texts: list[str] = []

    def begin(self, texts: Sequence[str]) -> None:
        self.texts, self.tokens_read = list(texts), sum(map(len, texts))

    def append(self, texts: Sequence[str]) -> None:
        self.texts = [before + text for before, text in zip(self.texts, texts, strict=True)]
        self.tokens_read += sum(map(len, texts))

    def score(self, probes: Sequence[str], options: Sequence[Sequence[str]]) -> Float[np.ndarray, "rows options"]:
        rows = [self.rule(*row) for row in zip(self.texts, probes, options, strict=True)]
        with np.errstate(divide="ignore"):
            return np.log(np.array(rows, dtype=np.float64))
