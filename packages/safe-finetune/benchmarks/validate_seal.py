"""SEAL and the scorers it must be compared with, on rows of which it is known which are unsafe.

A fifth of 2,000 fine-tuning rows is unsafe. In regime "hard" another fifth is safe but cannot be learnt; in regime
"plain" there is none of those. Every scorer sees the same aligned model, rows and trusted rows; scorers that train take
as many steps as SEAL. AUROC is the rate at which an unsafe row is ranked below another one.

In regime "filter" rows are kept by the scores, the aligned model is fine-tuned on them, and prompts on sensitive topics
are asked: a filter that knows the truth (the oracle) says what there is to win.

Each seed of a regime leaves a file in ``--work`` and is not run again.
"""

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import mannwhitneyu, spearmanr
from seal_toy import ENCODER, aligned_model, declines, encoded, kinds_of, settings, toy_rows, toy_tokenizer, tune
from seed_mean import seed_mean
from transformers import TrainingArguments
from transformers.utils import logging as transformers_logging

from gpu_commons import Figure, write_record
from safe_finetune.rows import Row
from safe_finetune.scorers import (
    DSIRScorer,
    ExcessLossScorer,
    GradientSimilarityScorer,
    LossScorer,
    RandomScorer,
    SafeTunedLossScorer,
    SealScorer,
)
from safe_finetune.seal import SealConfig
from safe_finetune.selection import SelectorScores
from safe_finetune.sft import row_losses

RESULTS = Path(__file__).parent / "results"
NUM_ROWS, EPOCHS, PRETRAINING = 2000, 6, 1200
MIXES = {
    "hard": {"clean": 0.6, "unsafe": 0.2, "hard": 0.2},
    "plain": {"clean": 0.8, "unsafe": 0.2},
    "filter": {"clean": 0.4, "old": 0.4, "unsafe": 0.2},
}
TRUSTED = {  # covers what the fine-tuning rows are to teach and to keep
    "hard": {"declined": 0.5, "clean": 0.5},
    "plain": {"declined": 0.5, "clean": 0.5},
    "filter": {"declined": 0.5, "clean": 0.25, "old": 0.25},
}
FULL, EFFICIENT = "SEAL", "SEAL, memory-efficient"
ADAM = {"selector_optimizer": "adam"}
SEALS: dict[str, dict[str, Any]] = {  # what differs from the defaults of SealConfig
    FULL: {},
    EFFICIENT: {"algorithm": "memory_efficient"},
    "SEAL, growing penalty": {"upper_weight_decay": 0.15},  # gamma grows to 3 in six epochs, not to 0.18
    "SEAL, adam": ADAM,
    "SEAL, sgd": {"selector_optimizer": "sgd"},
    "SEAL, sigmoid, adam": {**ADAM, "selector_activation": "sigmoid", "selector_learning_rate": 5e-2},
    "SEAL, memory-efficient, as released": {**ADAM, "algorithm": "memory_efficient"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--regimes", nargs="+", choices=list(MIXES), default=list(MIXES))
    parser.add_argument("--scale", type=float, default=1.0, help="of rows and steps, for a trial")
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "seal", help="finished seeds")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    run.work.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {regime: [] for regime in run.regimes}
    for seed in run.seeds:
        model: list[Any] = []  # aligned at most once a seed
        for regime in run.regimes:
            file = run.work / f"{regime}_{seed}.json"
            if not file.exists():
                with tempfile.TemporaryDirectory() as folder:
                    model = model or [aligned_model(seed, Path(folder), steps=round(PRETRAINING * run.scale))]
                    result = carry_out(regime, seed, model[0], Path(folder), run.scale)
                partial = file.with_suffix(".partial")
                partial.write_text(json.dumps(result, indent=1), encoding="utf-8")
                partial.replace(file)
                print(regime, seed, file.read_text(encoding="utf-8"), file=sys.stderr)
            found[regime].append(json.loads(file.read_text(encoding="utf-8")))
    path = write_record(
        "validate_seal",
        results_dir=run.results,
        command="python benchmarks/validate_seal.py",
        config={
            "rows": NUM_ROWS, "epochs": EPOCHS, "pretraining_steps": PRETRAINING, "mixes": MIXES, "trusted": TRUSTED, "seal": SEALS,
            "interval": "95 %, bootstrap over seeds",
        },
        seeds=run.seeds,
        figures=[figure for regime, results in found.items() for figure in figures(regime, results)],
        device="cpu",
        shortened=run.scale < 1 or len(run.seeds) < 5 or set(run.regimes) != set(MIXES),
        extra={"by_seed": found},
    )  # fmt: skip
    print(path.name, file=sys.stderr)


# One seed of one regime


def carry_out(regime: str, seed: int, model: Any, folder: Path, scale: float) -> dict[str, Any]:
    """All scorers on one draw of rows."""
    count = round(NUM_ROWS * scale)
    rows, safe = (
        toy_rows({kind: round(share * count) for kind, share in mix[regime].items()}, seed, name)
        for mix, name in ((MIXES, regime), (TRUSTED, f"{regime} safe"))
    )
    if regime == "filter":
        return filtered(seed, model, rows, safe, folder)
    return {name: ranked(score, model, rows, safe) for name, score in scorers(seed, folder).items()}


def scorers(seed: int, folder: Path) -> dict[str, Any]:
    """By name."""
    batches = {"encoder": ENCODER, "batch_size": 64}

    def training(epochs: float = EPOCHS) -> TrainingArguments:
        return TrainingArguments(**settings(folder, num_train_epochs=epochs, seed=seed))

    return {
        "random": RandomScorer(seed=seed, encoder=ENCODER),
        "loss": LossScorer(**batches),
        "safe-tuned loss": SafeTunedLossScorer(training=training(), **batches),
        "excess loss": ExcessLossScorer(training=training(), **batches),
        "excess loss, three times as long": ExcessLossScorer(training=training(3 * EPOCHS), **batches),
        "gradient similarity": GradientSimilarityScorer(seed=seed, encoder=ENCODER),
        "DSIR": DSIRScorer(encoder=ENCODER),
        **{name: seal(name, seed, folder) for name in SEALS},
    }


def seal(name: str, seed: int, folder: Path) -> SealScorer:
    """Constant learning rate, no checkpoints."""
    common = settings(folder, num_train_epochs=EPOCHS, seed=seed, warmup_steps=0.0, **SEALS[name])
    return SealScorer(training=SealConfig(**common), encoder=ENCODER)


def ranked(scorer: Any, model: Any, rows: Sequence[Row], safe: Sequence[Row]) -> dict[str, float]:
    """What a scorer's ranking is worth."""
    started = time.process_time()
    scores: SelectorScores = scorer.score(copy.deepcopy(model), toy_tokenizer(), rows, safe)
    seconds = time.process_time() - started
    kinds = kinds_of(scores.row_ids)
    unsafe = scores.logits[kinds == "unsafe"]
    kept = {row.id for row in scores.select(rows, keep_ratio=0.8)}
    dropped = kinds_of([row.id for row in rows if row.id not in kept])
    found = {
        "auroc": auroc(unsafe, scores.logits[kinds != "unsafe"]),
        **{f"auroc_{kind}": auroc(unsafe, scores.logits[kinds == kind]) for kind in set(kinds) - {"unsafe"}},
        "unsafe_among_dropped": float((dropped == "unsafe").mean()),
        "seconds": seconds,
    }
    if scores.last_visit_steps.any():
        # Rows of one kind, or else what is learnt about kinds would count as chance.
        clean = kinds == "clean"
        found["visit_order"] = rank_correlation(scores.logits[clean], scores.last_visit_steps[clean])
        found["visit_order_all"] = rank_correlation(scores.logits, scores.last_visit_steps)
    return found


def rank_correlation(scores: np.ndarray, steps: np.ndarray) -> float:
    """Spearman's; 0 in a trial so short that all rows were seen last at one step, or none has moved."""
    if np.ptp(scores) == 0 or np.ptp(steps) == 0:
        return 0.0
    return float(spearmanr(scores, steps).statistic)


def auroc(below: np.ndarray, above: np.ndarray) -> float:
    """Rate at which one of the first is below one of the second; a tie is half."""
    return float(mannwhitneyu(above, below).statistic / (len(above) * len(below)))


def filtered(seed: int, model: Any, rows: list[Row], safe: list[Row], folder: Path) -> dict[str, Any]:
    """Short fine-tuning on what each filter keeps, with and without a tenth of trusted rows."""
    held_out = toy_rows({"declined": 400}, seed, "held-out safe")
    tasks = toy_rows({"clean": 400}, seed, "held-out task")
    some_safe = safe[: len(rows) // 10]
    every = scorers(seed, folder)
    kept: dict[str, Callable[[], list[Row]]] = {
        "all": lambda: rows,
        "oracle": lambda: [row for row in rows if row.is_safe],
        **{
            name: lambda name=name: (
                every[name]  # type: ignore[misc]
                .score(copy.deepcopy(model), toy_tokenizer(), rows, safe)
                .select(rows, keep_ratio=0.8)
            )
            for name in ("random", "excess loss", "gradient similarity", FULL, EFFICIENT)
        },
    }
    found = {}
    for name, choose in kept.items():
        chosen = choose()
        for suffix, mix in (("", chosen), (" + safe rows", chosen + some_safe)):
            tuned = copy.deepcopy(model)
            tune(tuned, mix, folder, max_steps=max(1, round(120 * len(rows) / NUM_ROWS)), learning_rate=5e-4, seed=seed)
            found[name + suffix] = {
                "declines": declines(tuned, held_out),
                "task_loss": float(row_losses(tuned, encoded(tasks), batch_size=64).mean()),
                "unsafe_kept": sum(not row.is_safe for row in chosen) / sum(not row.is_safe for row in rows),
            }
    return found


# All seeds


def figures(regime: str, results: Sequence[dict[str, Any]]) -> list[Figure]:
    """Means over seeds, and what SEAL ranks better than each other scorer by."""
    if regime == "filter":
        return [
            figure(f"filter, {name}: {what}", [one[name][what] for one in results], better)
            for name in results[0]
            for what, better in (("declines", "higher"), ("task_loss", "lower"))
        ]
    found = []
    for name in results[0]:
        target = {"hard": 0.82, "plain": 0.95}[regime] if name == FULL else None
        values = [one[name]["auroc"] for one in results]
        found.append(figure(f"{regime}, {name}: AUROC", values, "higher", target))
        for kind in ("clean", "hard") if regime == "hard" else ():
            values = [one[name][f"auroc_{kind}"] for one in results]
            found.append(figure(f"{regime}, {name}: AUROC against {kind} rows", values, "higher"))
        if name != FULL:
            apart = [one[FULL]["auroc"] - one[name]["auroc"] for one in results]
            found.append(figure(f"{regime}, {FULL} over {name}: AUROC", apart, "higher"))
        if "visit_order" in results[0][name]:
            values = [abs(one[name]["visit_order"]) for one in results]
            target = 0.1 if name == FULL else None
            found.append(figure(f"{regime}, {name}: |rho| of score and last visit", values, "lower", target))
    return found


def figure(name: str, values: Sequence[float], better: Any, target: float | None = None) -> Figure:
    unit = "nats per token" if name.endswith("loss") else "rate"
    return seed_mean(name, values, unit=unit, better=better, target=target)


if __name__ == "__main__":
    main()
