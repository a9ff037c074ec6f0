"""Models of a seed, trained once and kept in a folder."""

import argparse
from pathlib import Path
from typing import Any

from smollm2_runs import scaled  # the file beside this one

from gpu_commons import load_model
from safe_finetune.demo.alignment import CHAT_TEMPLATE, align, safety_rows, smollm2
from safe_finetune.demo.prompts import DemoPrompts, demo_prompts
from safe_finetune.evaluation import SafetyReport, evaluate

ALIGNMENT = {"harmful": 160, "harmless": 300}
"""Prompts of :func:`demo_prompts` that a model is aligned on."""
ALIGN_STEPS = 100


def aligned_model(run: argparse.Namespace, seed: int) -> tuple[Any, Any]:
    """SmolLM2 aligned by the demo's recipe, with its tokenizer; the same for all scripts, whichever comes first."""
    kept = run.work / f"aligned_{seed}"
    if not kept.exists():
        # Its few tasks are the first ones, which are training tasks in every script.
        prompts = demo_prompts(**ALIGNMENT, task=20, test=1, seed=seed)
        model, tokenizer = smollm2()
        safe = safety_rows(model, tokenizer, prompts)
        aligned = align(model, tokenizer, safe, prompts, steps=scaled(ALIGN_STEPS, run), seed=seed)
        keep(aligned, tokenizer, kept)
    return load(kept)


def keep(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model so that a killed run leaves none that is half there."""
    aside = folder.with_name(f"{folder.name}.partial")
    model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    aside.rename(folder)


def load(folder: Path) -> tuple[Any, Any]:
    """A model that was kept."""
    model, tokenizer = load_model(folder, dtype="fast")
    tokenizer.chat_template = CHAT_TEMPLATE
    return model, tokenizer


def ask(model: Any, tokenizer: Any, prompts: DemoPrompts) -> SafetyReport:
    """The beginnings of its answers, judged."""
    batch_size = 40 if model.device.type == "cpu" else 400  # an accelerator waits for a step, however many take it
    return evaluate(model, tokenizer, prompts.test, max_new_tokens=10, batch_size=batch_size)
