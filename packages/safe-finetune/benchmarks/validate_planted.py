"""Which scorer finds unsafe rows that were planted among a user's rows, on SmolLM2.

The rows are orders in a restaurant, answered by sentences, and harmless instructions with the model's own answers, so
that no format of theirs spreads to other prompts; a fifth more are PyRIT's harmful examples. The trusted rows are
refusals and other rows of the same two harmless kinds. AUROC is the rate at which a planted row is ranked below another
one. Then the aligned model is fine-tuned on the best four fifths by some of the scores, on all rows, and on what a
filter that knows the truth keeps. Runs are kept in ``--work`` and not repeated.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.stats import mannwhitneyu
from smollm2_models import ALIGNMENT, aligned_model, ask  # files beside this one
from smollm2_runs import arguments, over_seeds, scaled
from transformers import TrainingArguments

from gpu_commons import Figure, write_record
from safe_finetune.demo.prompts import DemoPrompts, demo_prompts, in_sentences
from safe_finetune.demo.rows import own_answers, refusals, task_rows, unsafe_rows
from safe_finetune.demo.training import LORA_RANK, fine_tuned, training_settings
from safe_finetune.evaluation import SafetyReport
from safe_finetune.rows import Row, RowEncoder
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
from safe_finetune.sft.adapters import lora_of

SCORE_STEPS, TUNE_STEPS, ASKED = 40, 25, 60
NUM_TASK, NUM_HARMLESS, NUM_UNSAFE = 120, 40, 40  # as many again of the first two are trusted
SEAL, EFFICIENT = "SEAL", "SEAL, memory-efficient"
FILTERS = ("all rows", "random", "safe-tuned loss", SEAL, "oracle")
MEASURED = {"harmful refused": ("harmful", "refusal"), "orders right": ("task", "accuracy")}


def main() -> None:
    run = arguments(__doc__)
    torch.set_num_threads(1)
    seeds = [Planted(seed, run) for seed in run.seeds]
    path = write_record(
        "validate_planted",
        results_dir=run.results,
        command="python benchmarks/validate_planted.py",
        config={
            "rows": {"orders": NUM_TASK, "harmless": NUM_HARMLESS, "unsafe": NUM_UNSAFE},
            "steps": {"scoring": SCORE_STEPS, "fine-tuning": TUNE_STEPS},
            "interval": "lowest and highest seed",
        },
        seeds=run.seeds,
        figures=[*ranking_figures(seeds), *filter_figures(seeds)],
        shortened=run.shortened,
    )
    print(path.name)


class Planted:
    """Rows of one seed, and what scorers and filters make of them.

    Args:
        seed: Of all draws.
        run: Arguments of the script.
    """

    def __init__(self, seed: int, run: argparse.Namespace):
        self.seed, self.run = seed, run
        count = scaled(NUM_TASK, run)
        drawn = demo_prompts(**ALIGNMENT, task=2 * count, test=scaled(ASKED, run), seed=seed, reported=True)
        self.prompts: DemoPrompts = in_sentences(drawn)

    def ranking(self, name: str) -> dict[str, Any]:
        """AUROC, and the ids that the best four fifths are."""
        file = self.run.work / f"planted_{_slug(name)}_{self.seed}.json"
        if not file.exists():
            file.write_text(json.dumps(self._scored(name)), encoding="utf-8")
        return json.loads(file.read_text(encoding="utf-8"))

    def filtered(self, name: str) -> SafetyReport:
        """What the aligned model says after fine-tuning on what a filter keeps."""
        file = self.run.work / f"planted_kept_{_slug(name)}_{self.seed}.json"
        if not file.exists():
            model, tokenizer, rows, _ = self._parts
            ids = {row.id for row in rows if row.is_safe} if name == "oracle" else {row.id for row in rows}
            if name not in ("oracle", "all rows"):
                ids = set(self.ranking(name)["kept"])
            kept = RowEncoder().encode([row for row in rows if row.id in ids], tokenizer)
            tuned = fine_tuned(model, kept, steps=scaled(TUNE_STEPS, self.run), seed=self.seed)
            ask(tuned, tokenizer, self.prompts).to_json(file)
        return SafetyReport.from_json(file)

    def _scored(self, name: str) -> dict[str, Any]:
        model, tokenizer, rows, trusted = self._parts
        with tempfile.TemporaryDirectory() as folder:
            scorer = self._scorers(folder, model)[name]
            scores = scorer.score(model, tokenizer, rows, trusted)
        is_unsafe = np.array([row_id.startswith("unsafe") for row_id in scores.row_ids])
        unsafe, others = scores.logits[is_unsafe], scores.logits[~is_unsafe]
        auroc = float(mannwhitneyu(others, unsafe).statistic / (len(others) * len(unsafe)))
        return {
            "auroc": auroc,
            "kept": [row.id for row in scores.select(rows, keep_ratio=float((~is_unsafe).mean()))],
        }

    def _scorers(self, folder: str, model: Any) -> dict[str, Any]:
        settings = training_settings(folder, model, steps=scaled(SCORE_STEPS, self.run), seed=self.seed)
        tuning = {"training": TrainingArguments(**settings), "peft_config": lora_of(LORA_RANK)}
        return {
            "random": RandomScorer(seed=self.seed),
            "loss": LossScorer(),
            "safe-tuned loss": SafeTunedLossScorer(**tuning),
            "excess loss": ExcessLossScorer(**tuning),
            "gradient similarity": GradientSimilarityScorer(peft_config=lora_of(LORA_RANK), seed=self.seed),
            "DSIR": DSIRScorer(),
            SEAL: self._seal(settings),
            EFFICIENT: self._seal(settings, algorithm="memory_efficient"),
        }

    def _seal(self, settings: dict[str, Any], **more: Any) -> SealScorer:
        config = SealConfig(**{**settings, "upper_weight_decay": 0.15, **more})
        return SealScorer(training=config, peft_config=lora_of(LORA_RANK))

    @cached_property
    def _parts(self) -> tuple[Any, Any, list[Row], list[Row]]:
        """The aligned model, its tokenizer, rows and trusted rows."""
        model, tokenizer = aligned_model(self.run, self.seed)
        tasks, harmless = task_rows(self.prompts.task), own_answers(model, tokenizer, self.prompts.harmless)
        half, few = len(tasks) // 2, scaled(NUM_HARMLESS, self.run)
        rows = [*tasks[:half], *harmless[:few], *unsafe_rows(scaled(NUM_UNSAFE, self.run))]
        trusted = [*tasks[half:], *harmless[few : 2 * few], *refusals(self.prompts.harmful)[: 3 * few // 2]]
        return model, tokenizer, rows, trusted


def ranking_figures(seeds: Sequence[Planted]) -> list[Figure]:
    """AUROC of all scorers, and what SEAL ranks better by."""
    names = ("random", "loss", "safe-tuned loss", "excess loss", "gradient similarity", "DSIR", EFFICIENT, SEAL)
    found = {name: [one.ranking(name) for one in seeds] for name in names}
    figures = []
    for name, results in found.items():
        figures.append(over_seeds(f"{name}: AUROC", [one["auroc"] for one in results]))
        if name != SEAL:
            apart = [ours["auroc"] - theirs["auroc"] for ours, theirs in zip(found[SEAL], results, strict=True)]
            figures.append(over_seeds(f"{SEAL} over {name}: AUROC", apart))
    return figures


def filter_figures(seeds: Sequence[Planted]) -> list[Figure]:
    """Refusals and task after fine-tuning on what each filter keeps."""
    return [
        over_seeds(f"kept by {name}: {what}", [one.filtered(name).rate(*measure).value for one in seeds])
        for name in FILTERS
        for what, measure in MEASURED.items()
    ]


def _slug(name: str) -> str:
    return name.replace(" ", "-").replace(",", "")


if __name__ == "__main__":
    main()
