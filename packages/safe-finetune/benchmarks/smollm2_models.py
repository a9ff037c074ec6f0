"""Models of a seed, trained once and kept in a folder."""

from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer

from safe_finetune.demo.alignment import CHAT_TEMPLATE, align, safety_rows, smollm2
from safe_finetune.demo.prompts import DemoPrompts
from safe_finetune.evaluation import SafetyReport, evaluate

ALIGNMENT = {"harmful": 120, "harmless": 180}
"""Prompts of :func:`demo_prompts` that a model is aligned on."""
ALIGN_STEPS = 60


def aligned_model(folder: Path, prompts: DemoPrompts, *, seed: int, scale: float = 1.0) -> tuple[Any, Any]:
    """SmolLM2 aligned by the demo's recipe, with its tokenizer."""
    kept = folder / f"aligned_{seed}"
    if not kept.exists():
        model, tokenizer = smollm2()
        safe = safety_rows(model, tokenizer, prompts)
        aligned = align(model, tokenizer, safe, prompts, steps=max(2, round(scale * ALIGN_STEPS)), seed=seed)
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
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = CHAT_TEMPLATE
    return AutoModelForCausalLM.from_pretrained(folder, dtype="bfloat16"), tokenizer


def ask(model: Any, tokenizer: Any, prompts: DemoPrompts) -> SafetyReport:
    """The beginnings of its answers, judged."""
    return evaluate(model, tokenizer, prompts.test, max_new_tokens=10, batch_size=40)
