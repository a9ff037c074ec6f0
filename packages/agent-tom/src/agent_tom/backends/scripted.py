"""A rule in the place of a model, so that everything around a model can be tried without one."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from agent_tom.backends.backend import Backend, Written

Rule = Callable[[str, str, Sequence[str]], Sequence[float]]
WritingRule = Callable[[str, str], str]


class ScriptedBackend(Backend):
    """Scores options by a rule, and writes by another.

    Args:
        rule: Of a row's text, a probe and its options, the probability of each option; what they lack of 1 is the
            probability that the answer is none of them.
        writes: Of a row's text and a probe, what is written after them; a letter is a token.
    """

    def __init__(self, rule: Rule, writes: WritingRule | None = None):
        self.rule, self.writes = rule, writes
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

    def generate(
        self,
        probes: Sequence[str],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        draws: Float[np.ndarray, " rows"] | None = None,
    ) -> list[Written]:
        if self.writes is None:
            raise ValueError("this scripted backend has no rule for texts; give it `writes`.")
        texts = [self.writes(*row) for row in zip(self.texts, probes, strict=True)]
        return [_written(text, max_tokens, stop) for text in texts]


def _written(text: str, max_tokens: int, stop: Sequence[str]) -> Written:
    stops = [place for each in stop if (place := text.find(each)) >= 0]
    whole = text[: min(stops)] if stops else text
    return Written(whole[:max_tokens], min(len(whole), max_tokens), cut_off=len(whole) > max_tokens)
