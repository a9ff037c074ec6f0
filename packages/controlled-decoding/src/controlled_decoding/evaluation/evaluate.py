"""Compare decoding methods on prompts: generate, judge, measure fluency and cost, and say how sure the differences
are.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.evaluation.perplexity import ContinuationNLL, continuation_nll
from controlled_decoding.evaluation.report import Cost, Evaluation, JudgeIdentity
from controlled_decoding.evaluation.sample_files import BatchTiming, Sample
from controlled_decoding.evaluation.samples import NUCLEUS_SAMPLING, SamplingPlan, generate_samples
from controlled_decoding.evaluation.score_cache import ScoreCache
from controlled_decoding.evaluation.summary import ScoredSamples, summarise
from controlled_decoding.judges.judge import Judge
from controlled_decoding.methods.method import Method
from controlled_decoding.prompts import Prompt
from gpu_commons.models import LoadedModel, model_fingerprint, tokenizer_fingerprint

SCORES_FILE, EVALUATION_FILE, TABLE_FILE = "scores.jsonl", "evaluation.json", "table.md"
OWN_MODEL, SECOND_MODEL = "own model", "second model"


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    methods: Sequence[Method],
    judges: Sequence[Judge],
    *,
    out: str | Path,
    n: int = 25,
    seeds: Sequence[int] = (0,),
    max_new_tokens: int = 20,
    sampling: Mapping[str, Any] | None = None,
    second_model: LoadedModel | tuple[PreTrainedModel, PreTrainedTokenizerBase] | None = None,
    baseline: str = "plain",
    rows_per_batch: int = 50,
    resamples: int = 10_000,
) -> Evaluation:
    """Evaluate decoding methods; a killed run goes on where it stopped when called again with the same arguments.

    The defaults are the protocol of RealToxicityPrompts (Gehman et al. 2020): 25 continuations of 20 tokens, nucleus
    0.9. Judges see the continuation alone, without its prompt.

    Args:
        model: The decoder-only model to steer; it also measures perplexity, which under-counts the damage to its own
            text.
        tokenizer: Its tokenizer, with a pad token.
        prompts: With different ids.
        methods: With different names; one of them is the baseline.
        judges: At least two; none of them should have seen the data that a method was fitted on.
        out: Folder for samples, scores, ``evaluation.json`` and ``table.md``. Its ``samples.jsonl`` holds text, which
            may be offensive.
        n: Continuations of each prompt and seed.
        seeds: Each gives n further continuations of every prompt.
        max_new_tokens: Length of a continuation.
        sampling: Arguments of ``generate``; default ``do_sample=True, temperature=1.0, top_p=0.9, top_k=0``.
        second_model: A model and its tokenizer, for a perplexity that is independent of the model steered.
        baseline: Name of the method that the others are compared with.
        rows_per_batch: Continuations generated at a time.
        resamples: Of the bootstrap.

    Raises:
        ValueError: If there is no judge, no baseline among the methods, or ``out`` holds another run.

    Warns:
        UserWarning: If there is one judge only.
    """
    _check(methods, judges, baseline)
    out = Path(out)
    plan = SamplingPlan(
        n=n,
        seeds=tuple(seeds),
        max_new_tokens=max_new_tokens,
        sampling=dict(NUCLEUS_SAMPLING if sampling is None else sampling),
        rows_per_batch=rows_per_batch,
    )
    language_models = {OWN_MODEL: (model, tokenizer)} | ({SECOND_MODEL: tuple(second_model)} if second_model else {})
    fingerprints = {name: _fingerprint(*pair) for name, pair in language_models.items()}
    samples, timings = generate_samples(
        model, tokenizer, prompts, methods, plan, out=out, model_id=fingerprints[OWN_MODEL]
    )
    scorer = _Scorer(judges, language_models, fingerprints, ScoreCache(out / SCORES_FILE))
    scored = {method.name: scorer.score(_in_order(samples, method, prompts, plan), prompts, plan) for method in methods}
    evaluation = Evaluation(
        baseline=baseline,
        judges=[JudgeIdentity(name=judge.name, version=judge.version, sha256=judge.sha256) for judge in judges],
        language_models=list(language_models),
        summaries=summarise(scored, baseline=baseline, resamples=resamples),
        costs={
            method.name: _cost([timing for timing in timings if timing.method == method.name]) for method in methods
        },
        settings=_settings(plan, prompts, fingerprints, resamples),
    )
    evaluation.save(out / EVALUATION_FILE)
    (out / TABLE_FILE).write_text(evaluation.to_markdown(), encoding="utf-8")
    return evaluation


@dataclass(frozen=True)
class _Scorer:
    judges: Sequence[Judge]
    language_models: Mapping[str, tuple[PreTrainedModel, PreTrainedTokenizerBase]]
    fingerprints: Mapping[str, str]
    cache: ScoreCache

    def score(self, samples: list[Sample], prompts: Sequence[Prompt], plan: SamplingPlan) -> ScoredSamples:
        text_of = {prompt.id: prompt.text for prompt in prompts}
        texts = [sample.text for sample in samples]
        pairs = [(text_of[sample.prompt_id], sample.text) for sample in samples]
        return ScoredSamples(
            samples=samples,
            shape=(len(prompts), len(plan.seeds), plan.n),
            scores={
                judge.name: self.cache.scores(judge.sha256, texts, judge.score, description=f"scoring by {judge.name}")
                for judge in self.judges
            },
            nll={name: self._nll(name, pairs) for name in self.language_models},
        )

    def _nll(self, name: str, pairs: list[tuple[str, str]]) -> list[ContinuationNLL]:
        compute = partial(continuation_nll, *self.language_models[name])
        found = self.cache.scores(f"nll {self.fingerprints[name]}", pairs, compute, description=f"perplexity by {name}")
        return [ContinuationNLL(*entry) for entry in found]


def _check(methods: Sequence[Method], judges: Sequence[Judge], baseline: str) -> None:
    names = [method.name for method in methods]
    if baseline not in names:
        raise ValueError(
            f"`baseline` {baseline!r} is not among the methods {', '.join(names)}; add it or name one of them."
        )
    if not judges:
        raise ValueError(
            "`judges` is empty; give at least two, such as profanity-check and a fitted sentence classifier."
        )
    if len({judge.name for judge in judges}) < len(judges):
        raise ValueError("`judges` must have different names; set the attribute `name` of one of them.")
    if len(judges) == 1:
        warnings.warn(
            f"the only judge is {judges[0].name!r}, and one judge alone is no evidence: its blind spots look like success; "
            "add a second.",
            stacklevel=3,
        )


def _fingerprint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    # The number format moves samples and perplexities, so a run in bfloat16 is not resumed in float32.
    return f"{model_fingerprint(model)}-{tokenizer_fingerprint(tokenizer)}-{str(model.dtype).removeprefix('torch.')}"


def _in_order(samples: Sequence[Sample], method: Method, prompts: Sequence[Prompt], plan: SamplingPlan) -> list[Sample]:
    """A method's samples by prompt, then seed; the file has seeds before prompts."""
    place = {(s.prompt_id, s.seed, s.index): s for s in samples if s.method == method.name}
    return [place[prompt.id, seed, i] for prompt in prompts for seed in plan.seeds for i in range(plan.n)]


def _cost(timings: list[BatchTiming]) -> Cost:
    # The median leaves out what warm-up and a resumed run add to single batches.
    peaks = [timing.peak_memory_bytes for timing in timings if timing.peak_memory_bytes is not None]
    return Cost(
        cpu_ms_per_token=median(timing.cpu_ms / timing.tokens for timing in timings),
        wall_ms_per_token=median(timing.wall_ms / timing.tokens for timing in timings),
        peak_memory_bytes=max(peaks, default=None),
    )


def _settings(
    plan: SamplingPlan, prompts: Sequence[Prompt], fingerprints: Mapping[str, str], resamples: int
) -> dict[str, Any]:
    categories = sorted({prompt.category for prompt in prompts})
    return {
        "num_prompts": len(prompts),
        "categories": categories,
        "n": plan.n,
        "seeds": list(plan.seeds),
        "max_new_tokens": plan.max_new_tokens,
        "sampling": dict(plan.sampling),
        "rows_per_batch": plan.rows_per_batch,
        "fingerprints": dict(fingerprints),
        "bootstrap_resamples": resamples,
        "interval": "95 % percentile, paired bootstrap by prompt",
    }
