"""Edit SmolLM2 on held-out CounterFact and ZsRE records with connectors of three seeds, beside every baseline.

``--data`` is a folder with ``fact-editing/``. The connector of the package is that of seed 0; those of other seeds are
trained into ``--work`` first, half an hour each on two cores, and a killed run goes on from what lies there. Each fact
is told alone; then N of them share one memory, 1,000 are told one after another, and some are forgotten. Baselines see
the same facts and questions: no edit, the fact in the prompt in three wordings, fine-tuning one matrix, and look-up of
the stored string. Figures of connectors are means over seeds, with intervals over facts.
"""

import argparse
import hashlib
import json
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from counterfact import Split, odd_tokens, split_counterfact, with_target  # the file beside this one
from remembered import Remembered, Scoped  # likewise
from train_connector import train  # likewise

from gpu_commons import Figure, SentenceEncoder, write_record
from memory_llm.facts import (
    WORDINGS,
    Fact,
    FineTune,
    InContext,
    Lookup,
    NoEdit,
    Report,
    evaluate,
    forgetting,
    mean_interval,
    read_facts,
    retention,
)
from memory_llm.larimar.as_method import LarimarMethod
from memory_llm.larimar.edit_examples import OPENINGS
from memory_llm.larimar.pipeline import CONNECTOR_FILE, ENCODER, Larimar, bundled_connector
from memory_llm.larimar.relations import Relations, relation_of
from memory_llm.larimar.scope import EncoderScope, calibrate

RESULTS = Path(__file__).parent / "results"
OURS, SCOPED, PINV = "larimar", "larimar, cosine scope", "larimar, pinv"
TOGETHER = (16, 128, 512)
FORGOTTEN = 64
Measures = dict[str, Sequence[float]]
"""Values by fact, by name of the figure."""
TARGETS = {
    f"{OURS}, N=1: reliability.s": 0.97,
    f"{OURS}, N=1: reliability.whole": 0.95,
    f"{OURS}, N=1: locality.same_top1": 0.90,
    f"{SCOPED}, N=1: locality.same_top1": 0.95,
    f"{SCOPED}, N=512: locality.same_top1": 0.85,
    f"{PINV}, N=128: reliability.whole": 0.90,
    "whole target, seen, several tokens": 0.80,
    "whole target, objects never shown": 0.90,
    "whole target, odd single tokens": 0.65,
    "retrieval, N=512, stripped": 0.98,
    "retrieval, N=512, full": 0.97,
    "scope, N=1: false reject, stripped": 0.06,
    "scope, N=1: false accept, neighbours": 0.06,
}
SHOWN = (
    "reliability.whole",
    "paraphrase_stripped.whole",
    "paraphrase_full.whole",
    "locality.same_top1",
    "locality.kl",
    "retention.whole",
    "recall.forgotten",
    "recall.retained",
    "leak",
    "leak.base",
)
"""Measures of reports that the tables show; all are in the record."""
LOWER = ("false reject", "false accept", "kl", "forgotten", "leak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "validate_editing")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--facts", type=int, default=1000)
    parser.add_argument("--baseline-facts", type=int, default=300)
    parser.add_argument("--tuned-facts", type=int, default=50)
    run, _ = parser.parse_known_args()
    split = split_counterfact(run.data)
    zsre = read_facts(run.data / "fact-editing" / "zsre_train_1k_easyedit.json")[: run.baseline_facts]
    larimar = Larimar.from_connector(dtype="bfloat16")
    base = Remembered(NoEdit(larimar.model.decoder, larimar.tokenizer))
    fixed, threshold = scope_and_retrieval(larimar, split)  # of the encoder alone, the same for all seeds
    by_seed: list[Measures] = []
    for seed in run.seeds:
        folder = connector(run.data, run.work, seed)
        measure = partial(of_connector, folder, base, split, split.held_out[: run.facts], zsre, threshold)
        by_seed.append(kept(run.work / f"seed{seed}-{run.facts}-{_digest(folder)}.json", measure))
        print(*summary(by_seed[-1], seed), sep="\n", file=sys.stderr)
    averaged = {name: np.mean([one[name] for one in by_seed], axis=0).tolist() for name in by_seed[0]}
    facts = split.held_out[: run.baseline_facts]
    measure = partial(of_baselines, base, facts, zsre, 2 * threshold - 1, run.tuned_facts)
    rivals = kept(run.work / f"baselines-{run.baseline_facts}-{run.tuned_facts}.json", measure)
    every = fixed | averaged | rivals
    path = write_record(
        "validate_editing",
        results_dir=RESULTS,
        command="nox -s 'validate(memory-llm)' -- --data DATA",
        config={
            **{name: value for name, value in vars(run).items() if name not in ("data", "work")},
            "connector_provenance": larimar.provenance,
            "scope_threshold": threshold,
            "interval": "95 %, bootstrap over facts",
        },
        seeds=run.seeds,
        figures=[figure(name, values) for name, values in every.items() if is_shown(name, values)],
        shortened=run.facts < 1000 or run.baseline_facts < 300 or len(run.seeds) < 3,
        extra={
            "means": {name: float(np.nanmean(values)) for name, values in every.items() if _is_measured(values)},
            "by_seed": {
                name: [float(np.nanmean(one[name])) for one in by_seed]
                for name in averaged
                if _is_measured(averaged[name])
            },
        },
    )
    print(path.name, file=sys.stderr)


def kept(path: Path, measure: Callable[[], Measures]) -> Measures:
    """What an earlier run has measured, or what is measured now."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measure()))
    return json.loads(path.read_text())


def connector(data: Path, work: Path, seed: int) -> Path:
    """Folder of the connector of the package, or of another seed's, trained first if it is not there."""
    if seed == 0:
        return bundled_connector()
    folder = work / f"seed{seed}"
    if not (folder / CONNECTOR_FILE).is_file():
        train(data, folder, seed=seed, resume=(folder / "checkpoints").is_dir())
    return folder


def of_connector(
    folder: Path, base: Remembered, split: Split, facts: Sequence[Fact], zsre: Sequence[Fact], threshold: float
) -> Measures:
    """All figures of one connector."""
    larimar = Larimar.from_connector(folder, dtype="bfloat16")
    plain, pinv = (
        Remembered(method)
        for method in (
            LarimarMethod(larimar, name=OURS),
            LarimarMethod(larimar, name=PINV, addressing="pinv", num_slots=512, on_overflow="warn"),
        )
    )
    scoped = Scoped(LarimarMethod(larimar, scope=EncoderScope(threshold), name=SCOPED), plain, base)
    report = Report(outcomes=())
    for method in (plain, scoped):
        report += evaluate(method, facts, base=base, progress=True)
    for size in TOGETHER:
        for method in (plain, scoped, pinv):
            report += evaluate(
                method, split.held_out[:size], base=base, alone=False, num_together=[size], progress=True
            )
    report += retention(plain, split.held_out, checkpoints=[1, 10, 100, 1000], progress=True)
    together = split.held_out[: TOGETHER[-1]]
    report += forgetting(plain.method, together, [fact.id for fact in together[:FORGOTTEN]], base=base.method)
    found = measures(report) | open_vocabulary(larimar, split) | own_subject(plain, base, facts, split)
    return found | measures(evaluate(plain, zsre, base=base, progress=True), "ZsRE, ")


def of_baselines(
    base: Remembered, facts: Sequence[Fact], zsre: Sequence[Fact], threshold: float, num_tuned: int
) -> Measures:
    """No edit, the fact in the prompt by every wording, look-up with and without the scope of ours, fine-tuning."""
    decoder, encoder = base.method, SentenceEncoder(ENCODER)
    prompted = [InContext(decoder, encoder, wording=wording) for wording in WORDINGS]
    scoped = [InContext(decoder, encoder, threshold=threshold), Lookup(decoder, encoder, threshold=threshold)]
    found: Measures = {}
    for method in (base, *prompted, Lookup(decoder, encoder), *scoped):
        found |= measures(evaluate(method, facts, base=base, progress=True))
    for method in (base, *prompted):
        found |= measures(evaluate(method, zsre, base=base, progress=True), "ZsRE, ")
    return found | measures(evaluate(FineTune(decoder), facts[:num_tuned], base=base, progress=True))


def measures(report: Report, before: str = "") -> Measures:
    """Values by fact of everything in a report, N=1 for facts told alone."""
    found: Measures = {}
    for outcome in report.outcomes:
        setting = ", ".join(f"{'N' if key == 'told' else key}={value}" for key, value in outcome.setting.items())
        for measure, values in outcome.per_fact.items():
            found[f"{before}{outcome.method}, {setting}: {measure}"] = values
    return found


def scope_and_retrieval(larimar: Larimar, split: Split) -> tuple[Measures, float]:
    """Threshold by equal error on training records, its errors on held-out ones, and nearest-key retrieval."""
    threshold, _ = calibrate(*_scores(larimar, split.train[:600]))
    inside, outside = _scores(larimar, split.held_out)
    keys = larimar.encode([fact.prompt for fact in split.held_out[:512]], truncate=True)
    found: Measures = {
        "scope, N=1: false reject, stripped": (inside < threshold).float().tolist(),
        "scope, N=1: false accept, neighbours": (outside >= threshold).float().tolist(),
    }
    for kind in ("stripped", "full"):
        asked = [_paraphrase(fact, kind) for fact in split.held_out[:512]]
        nearest = (larimar.encode(asked, truncate=True) @ keys.T).argmax(-1)
        found[f"retrieval, N=512, {kind}"] = [float(row == index) for row, index in enumerate(nearest.tolist())]
    return found, threshold


def _scores(larimar: Larimar, facts: Sequence[Fact]):
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


def open_vocabulary(larimar: Larimar, split: Split, count: int = 200) -> Measures:
    """Whole targets of kinds: seen in several tokens, never shown, odd tokens, and free-text names."""
    rng = random.Random(0)
    odd = odd_tokens(larimar.tokenizer, split)
    hosts = rng.sample(split.held_out, count)
    several = [fact for fact in split.seen() if (larimar.target_ids([fact.target]) >= 0).sum() > 2]
    kinds = {
        "seen, several tokens": several[:count],
        "objects never shown": [with_target(fact, rng.choice(split.excluded)) for fact in hosts],
        "odd single tokens": [with_target(fact, token) for fact, token in zip(hosts, odd, strict=False)],
        "free-text names": [with_target(fact, _name(rng, split)) for fact in hosts],
    }
    found: Measures = {}
    for kind, facts in kinds.items():
        told = LarimarMethod(larimar).told(facts, alone=True)
        scores = told.score([fact.prompt for fact in facts], [fact.target for fact in facts])
        found[f"whole target, {kind}"] = [float(score.whole) for score in scores]
    return found


def _name(rng: random.Random, split: Split) -> str:
    """First and last word of two subjects, as a name that no record holds."""
    words = [str(rng.choice(split.held_out).subject).split() for _ in range(2)]
    return f"{words[0][0]} {words[1][-1]}"


def own_subject(method: Remembered, base: Remembered, facts: Sequence[Fact], split: Split) -> Measures:
    """Whether the next token stays the base model's where a fact's own subject comes up, but not its relation."""
    rng, facts = random.Random(0), [fact for fact in facts if fact.subject]
    relations = Relations(split.held_out)
    others = [rng.choice([one for one in relations.rows if relations.differ(one, relation_of(fact))]) for fact in facts]
    kinds = {
        "another relation": [other.replace("{}", str(fact.subject)) for other, fact in zip(others, facts, strict=True)],
        "an opening": [rng.choice(OPENINGS).format(fact.subject) for fact in facts],
    }
    told, found = method.told(facts, alone=True), {}
    for kind, prompts in kinds.items():
        same = told.next_log_probs(prompts).argmax(-1) == base.next_log_probs(prompts).argmax(-1)
        found[f"{method.name}, own subject, {kind}: same_top1"] = same.float().tolist()
    return found


def summary(found: Measures, seed: int) -> list[str]:
    """What has a target, for the log."""
    return [
        f"seed {seed}: {name} {np.nanmean(found[name]):.3f} ({target})"
        for name, target in TARGETS.items()
        if name in found
    ]


def is_shown(name: str, values: Sequence[float]) -> bool:
    """Whether the tables have it: what has a target, what is no measure of a report, and the measures named above."""
    measure = name.rpartition(": ")[2]
    return _is_measured(values) and (name in TARGETS or "." not in measure or measure in SHOWN)


def _is_measured(values: Sequence[float]) -> bool:
    return bool(np.isfinite(values).any()) and not np.isinf(values).any()


def figure(name: str, values: Sequence[float]) -> Figure:
    """Mean over facts."""
    interval, measure = mean_interval(values), name.rpartition(": ")[2]
    low, high = (interval.low, interval.high) if np.isfinite(interval.low) else (interval.value, interval.value)
    return Figure(
        id=name,
        value=interval.value,
        interval=(low, high),
        unit="nats" if name.endswith("kl") else "rate",
        better="lower" if any(word in measure for word in LOWER) else "higher",
        target=TARGETS.get(name),
    )


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / CONNECTOR_FILE).read_bytes()).hexdigest()[:12]


if __name__ == "__main__":
    main()
