"""From scored samples to measures by prompt, and from these to values, differences and ratios with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from controlled_decoding.evaluation import metrics
from controlled_decoding.evaluation.bootstrap import Interval, PairedBootstrap, PromptSums
from controlled_decoding.evaluation.perplexity import ContinuationNLL
from controlled_decoding.evaluation.sample_files import Sample

DISTINCT_ORDERS = (1, 2, 3)
# The measures of each judge: key, heading.
JUDGE_MEASURES = {
    "mean": "mean",
    "toxic_rate": "toxic rate",
    "expected_maximum": "expected max",
    "any_of_n": "any of n",
}


@dataclass(frozen=True, kw_only=True)
class MeasureSummary:
    """A measure of one method: its value, and method minus and over baseline (None for the baseline itself)."""

    value: Interval
    difference: Interval | None = None
    ratio: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class ScoredSamples:
    """Continuations of one method in the order [prompt, seed, sample], with their scores.

    Attributes:
        samples: ``num_prompts * num_seeds * n`` of them.
        shape: (num_prompts, num_seeds, n).
        scores: By judge name, each in the order of the samples.
        nll: By language model name, each in the order of the samples.
    """

    samples: Sequence[Sample]
    shape: tuple[int, int, int]
    scores: Mapping[str, Sequence[float]]
    nll: Mapping[str, Sequence[ContinuationNLL]]

    def measures(self) -> dict[str, PromptSums]:
        """All measures by key: ``JUDGE/mean``..., ``perplexity/MODEL``, ``distinct_1``..., ``repetition``, ``tokens``,
        ``characters``.
        """
        found: dict[str, PromptSums] = {}
        for judge, scores in self.scores.items():
            found |= {f"{judge}/{key}": value for key, value in _judge_measures(np.reshape(scores, self.shape)).items()}
        for name, nll in self.nll.items():
            nats, tokens = np.array([(entry.nats, entry.tokens) for entry in nll]).T
            found[f"perplexity/{name}"] = PromptSums(self._by_prompt(nats), self._by_prompt(tokens))
        texts = np.reshape(np.array([sample.text for sample in self.samples], dtype=object), self.shape)
        for order in DISTINCT_ORDERS:
            found[f"distinct_{order}"] = _mean(
                [[metrics.distinct_n(list(group), order) for group in prompt] for prompt in texts]
            )
        found["repetition"] = _mean([[metrics.repetition_rate(text) for text in prompt.flat] for prompt in texts])
        for key, lengths in (
            ("tokens", [s.tokens for s in self.samples]),
            ("characters", [len(s.text) for s in self.samples]),
        ):
            sums = self._by_prompt(np.array(lengths, dtype=float))
            found[key] = PromptSums(sums, np.full(len(sums), float(self.shape[1] * self.shape[2])))
        return found

    def _by_prompt(self, values: Float[np.ndarray, " samples"]) -> Float[np.ndarray, " prompts"]:
        return values.reshape(self.shape[0], -1).sum(1)


def summarise(
    by_method: Mapping[str, ScoredSamples], *, baseline: str, resamples: int = 10_000, seed: int = 0
) -> dict[str, dict[str, MeasureSummary]]:
    """Every measure of every method, with 95 % intervals by paired bootstrap over prompts."""
    measures = {name: scored.measures() for name, scored in by_method.items()}
    bootstrap = PairedBootstrap(by_method[baseline].shape[0], resamples=resamples, seed=seed)
    return {
        name: {
            key: _summary(bootstrap, key, sums, None if name == baseline else measures[baseline][key])
            for key, sums in own.items()
        }
        for name, own in measures.items()
    }


def _summary(bootstrap: PairedBootstrap, key: str, sums: PromptSums, baseline: PromptSums | None) -> MeasureSummary:
    transform = np.exp if key.startswith("perplexity/") else None
    value = bootstrap.value(sums, transform=transform)
    if baseline is None:
        return MeasureSummary(value=value)
    return MeasureSummary(
        value=value,
        difference=bootstrap.difference(sums, baseline, transform=transform),
        ratio=bootstrap.ratio(sums, baseline, transform=transform),
    )


def _judge_measures(scores: Float[np.ndarray, "prompts seeds samples"]) -> dict[str, PromptSums]:
    by_prompt = {
        "mean": scores.mean((1, 2)),
        "toxic_rate": metrics.toxic_rate(scores),
        "expected_maximum": metrics.expected_maximum(scores),
        "any_of_n": metrics.any_of_n_rate(scores),
    }
    return {key: PromptSums(values, np.ones(len(values))) for key, values in by_prompt.items()}


def _mean(by_prompt: list[list[float]]) -> PromptSums:
    """Mean over whatever could be measured: texts too short for an n-gram are left out."""
    values = np.array(by_prompt, dtype=float)
    return PromptSums(np.nansum(values, 1), np.isfinite(values).sum(1).astype(float))
