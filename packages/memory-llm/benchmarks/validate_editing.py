"""Edit SmolLM2 on held-out CounterFact records with the connector of the package, beside every baseline.

``--data`` is a folder with ``fact-editing/``. Each fact is told alone; then N of them share one memory. Baselines see
the same facts and questions: no edit, the fact in the prompt in three wordings, and look-up. Retrieval and scope are
judged on all held-out records; open-vocabulary targets (never shown, odd tokens, names) on facts given another target.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from counterfact import Split, odd_tokens, split_counterfact, with_target  # the file beside this one
from transformers import PreTrainedTokenizerBase

from gpu_commons import Figure, SentenceEncoder, write_record
from memory_llm.facts import WORDINGS, Fact, InContext, Lookup, Method, NoEdit, Report, evaluate, mean_interval
from memory_llm.larimar.as_method import LarimarMethod
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.scope import EncoderScope, calibrate

RESULTS = Path(__file__).parent / "results"
OURS, SCOPED = "larimar, no scope", "larimar, cosine scope"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--connector", default="bundled")
    parser.add_argument("--facts", type=int, default=300)
    parser.add_argument("--baseline-facts", type=int, default=150)
    parser.add_argument("--together", type=int, nargs="+", default=[16, 128, 512])
    parser.add_argument("--targets", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    run, _ = parser.parse_known_args()
    split = split_counterfact(run.data)
    larimar = Larimar.from_connector(run.connector, dtype="bfloat16")
    base = NoEdit(larimar.model.decoder, larimar.tokenizer)
    figures, threshold = scope_and_retrieval(larimar, split)
    scope = EncoderScope(threshold)
    ours = [LarimarMethod(larimar, name=OURS), LarimarMethod(larimar, scope=scope, name=SCOPED)]
    facts = random.Random(run.seed).sample(split.seen(), run.facts)
    report = Report(outcomes=())
    for method in ours:
        report += evaluate(method, facts, base=base, progress=True)
    for method in baselines(larimar, base, 2 * threshold - 1):
        report += evaluate(method, facts[: run.baseline_facts], base=base, progress=True)
    report += together(larimar, scope, split, base, run.together)
    figures += [figure for outcome in report.outcomes for figure in outcome_figures(outcome)]
    figures += open_vocabulary(larimar, split, run.targets, run.seed)
    print(report.to_markdown())
    path = write_record(
        "validate_editing",
        results_dir=RESULTS,
        command="python benchmarks/validate_editing.py --data DATA",
        config={
            **{name: value for name, value in vars(run).items() if name != "data"},
            "connector_provenance": larimar.provenance,
            "scope_threshold": threshold,
            "interval": "95 %, bootstrap over facts",
        },
        seeds=[run.seed],
        figures=figures,
        shortened=run.facts < 300 or run.targets < 150,
        extra={"report": report.to_rows()},
    )
    print(path.name, file=sys.stderr)


def baselines(larimar: Larimar, base: NoEdit, threshold: float) -> list[Method]:
    """No edit, the fact in the prompt by every wording, and look-up with and without the same scope as ours."""
    encoder = SentenceEncoder(larimar.provenance["encoder"])
    prompted = [InContext(base, encoder, wording=wording) for wording in WORDINGS]
    scoped = [InContext(base, encoder, threshold=threshold), Lookup(base, encoder, threshold=threshold)]
    return [base, *prompted, Lookup(base, encoder), *scoped]


def scope_and_retrieval(larimar: Larimar, split: Split) -> tuple[list[Figure], float]:
    """Threshold by equal error on training records, its errors on held-out ones, and nearest-key retrieval."""
    positive, negative = _scores(larimar, split.train[:600])
    threshold, _ = calibrate(positive, negative)
    positive, negative = _scores(larimar, split.held_out)
    keys = larimar.encode([fact.prompt for fact in split.held_out[:512]], truncate=True)
    figures = [
        _rate("scope, N=1: false reject, stripped", positive < threshold, "lower", 0.06),
        _rate("scope, N=1: false accept, neighbours", negative >= threshold, "lower", 0.06),
    ]
    for kind, target in (("stripped", 0.98), ("full", 0.97)):
        asked = [_paraphrase(fact, kind) for fact in split.held_out[:512]]
        found = (larimar.encode(asked, truncate=True) @ keys.T).argmax(-1)
        figures.append(_rate(f"retrieval, N=512, {kind}", found == torch.arange(512), "higher", target))
    return figures, threshold


def _scores(larimar: Larimar, facts: Sequence[Fact]) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [
        [fact.prompt for fact in facts],
        [_paraphrase(fact, "stripped") for fact in facts],
        [fact.neighbours[0] for fact in facts],
    ]
    keys, inside, outside = (larimar.encode(part, truncate=True) for part in parts)
    return (1 + (keys * inside).sum(-1)) / 2, (1 + (keys * outside).sum(-1)) / 2


def _paraphrase(fact: Fact, kind: str) -> str:
    texts = fact.stripped_paraphrases() if kind == "stripped" else fact.paraphrases
    return texts[0] if texts else fact.prompt


def together(larimar: Larimar, scope: EncoderScope, split: Split, base: NoEdit, sizes: Sequence[int]) -> Report:
    """The first N held-out facts in one memory: slots with and without scope, and least squares."""
    report = Report(outcomes=())
    for size in sizes:
        facts = split.held_out[:size]
        methods = [
            LarimarMethod(larimar, name=OURS),
            LarimarMethod(larimar, scope=scope, name=SCOPED),
            LarimarMethod(larimar, name="larimar, pinv", addressing="pinv", num_slots=512, on_overflow="warn"),
        ]
        for method in methods:
            report += evaluate(method, facts, base=base, alone=False, num_together=[size], progress=True)
    return report


def outcome_figures(outcome) -> list[Figure]:
    """What the thresholds name, of one outcome."""
    targets = {
        (OURS, 1, "reliability.s"): 0.97,
        (OURS, 1, "reliability.whole"): 0.95,
        (OURS, 1, "locality.same_top1"): 0.90,
        (SCOPED, 1, "locality.same_top1"): 0.95,
        (SCOPED, 512, "locality.same_top1"): 0.85,
        ("larimar, pinv", 128, "reliability.whole"): 0.90,
    }
    told, figures = outcome.setting["told"], []
    for measure, interval in outcome.intervals.items():
        if interval.num_facts and np.isfinite([interval.value, interval.low, interval.high]).all():
            figures.append(
                Figure(
                    id=f"{outcome.method}, N={told}: {measure}",
                    value=interval.value,
                    interval=(interval.low, interval.high),
                    unit="nats" if measure.endswith("kl") else "rate",
                    better="lower" if measure.endswith("kl") else "higher",
                    target=targets.get((outcome.method, told, measure)),
                )
            )
    return figures


def open_vocabulary(larimar: Larimar, split: Split, count: int, seed: int) -> list[Figure]:
    """Whole targets of kinds: seen in several tokens, never shown, odd tokens, and free-text names."""
    rng = random.Random(seed)
    tokenizer = larimar.tokenizer
    seen = [fact for fact in split.seen() if len(_ids(tokenizer, fact.target)) > 1]
    odd = odd_tokens(tokenizer, split)
    hosts = rng.sample(split.held_out, count)
    kinds = {
        "seen, several tokens": (seen[:count], 0.80),
        "objects never shown": ([with_target(fact, rng.choice(split.excluded)) for fact in hosts], 0.90),
        "odd single tokens": (
            [with_target(fact, token) for fact, token in zip(hosts, rng.sample(odd, count), strict=True)],
            0.65,
        ),
        "free-text names": ([with_target(fact, _name(rng, split)) for fact in hosts], None),
    }
    figures = []
    for kind, (facts, target) in kinds.items():
        told = LarimarMethod(larimar).told(facts, alone=True)
        scores = told.score([fact.prompt for fact in facts], [fact.target for fact in facts])
        figures.append(
            _rate(f"whole target, {kind}", torch.tensor([score.whole for score in scores]), "higher", target)
        )
    return figures


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(f" {text}", add_special_tokens=False)["input_ids"]


def _name(rng: random.Random, split: Split) -> str:
    """First and last word of two subjects, as a name that no record holds."""
    words = [str(rng.choice(split.held_out).subject).split() for _ in range(2)]
    return f"{words[0][0]} {words[1][-1]}"


def _rate(name: str, hits: torch.Tensor, better: str, target: float | None) -> Figure:
    interval = mean_interval([float(hit) for hit in hits])
    low, high = (interval.low, interval.high) if np.isfinite(interval.low) else (interval.value, interval.value)
    return Figure(id=name, value=interval.value, interval=(low, high), unit="rate", better=better, target=target)


if __name__ == "__main__":
    main()
