"""``safe-finetune train``."""

import re
from pathlib import Path
from typing import Any, Literal

from gpu_commons.cli import BudgetMissed, is_main_process, logs_on_stderr, show

_ABOVE_START = re.compile(r"start\+(\d+(?:\.\d+)?)")


def train(
    model: str,
    data: str,
    out: str,
    safety_data: str | None = None,
    safety_test: str | None = None,
    budget: str = "start+0.1",
    safety_weight: float | None = None,
    loss_kind: Literal["nll", "kl"] = "nll",
    safety_fraction: float = 0.1,
    radius: float | None = None,
    relative_radius: float | None = None,
    epochs: float = 3.0,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    lora_rank: int = 16,
    max_length: int = 2048,
    dtype: str = "auto",
    device: str = "auto",
    seed: int = 0,
    resume: bool = False,
    json: bool = False,
) -> None:
    """Fine-tune an aligned model on rows; within a safety budget, a radius, both, or neither.

    Exit code 3 says that the model is trained and saved, and that its safety loss is above the budget.

    Args:
        model: The aligned model: hub id, folder, .gguf file or bundled:NAME.
        data: Task rows (.jsonl, .csv, .tsv, .parquet, or a hub dataset); a column `weight` counts.
        out: Folder of the trained model, or of its adapter.
        safety_data: Rows whose loss is kept within the budget; those with `is_safe` false are left out.
        safety_test: Held-out safety rows that the budget is judged by; those of training if absent.
        budget: Safety loss in nats a token, such as 1.2, or above the start, such as start+0.1.
        safety_weight: A fixed weight of the safety loss, in place of one that finds the budget.
        loss_kind: Likelihood of safety responses, or divergence from the aligned model along them.
        safety_fraction: Safety rows a task row.
        radius: Largest norm of the change of all weights.
        relative_radius: Largest norm of each weight's change over the weight's.
        epochs: Over the task rows.
        batch_size: Task rows of a step.
        learning_rate: At its height.
        lora_rank: Of the adapters; 0 trains the whole model.
        max_length: Tokens of a row.
        dtype: Of the model.
        device: Where it runs.
        seed: Of order and adapters.
        resume: Go on from the last checkpoint.
        json: Result as JSON on stdout.
    """
    from gpu_commons import load_model, seed_everything
    from safe_finetune.commands.training_settings import training_of
    from safe_finetune.rows import RowEncoder, load_rows, load_safe_rows
    from safe_finetune.sft.adapters import lora_of, with_adapters

    constraint = {
        **_limits(budget),
        "mode": "lagrangian" if safety_weight is None else "penalty",
        "safety_weight": safety_weight or 0.0,
        "loss_kind": loss_kind,
        "safety_fraction": safety_fraction,
        "radius": radius,
        "relative_radius": relative_radius,
    }
    folder = Path(out).expanduser()
    loaded = load_model(model, dtype=dtype, device=device)
    encode = RowEncoder(max_length=max_length).encode
    rows = encode(load_rows(data), loaded.tokenizer)
    safety, test = (
        encode(load_safe_rows(path), loaded.tokenizer) if path else None for path in (safety_data, safety_test)
    )
    where = loaded.model.device.type
    settings = training_of(
        folder / "checkpoints",
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        device=where,
        seed=seed,
    )
    seed_everything(seed)
    lora = lora_of(lora_rank)
    trained = with_adapters(loaded.model, lora, "default") if lora else loaded.model
    trainer = _trainer(trained, rows, safety, settings, constraint)
    with logs_on_stderr():
        trainer.train(resume_from_checkpoint=resume)
    if is_main_process():
        trained.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
    result = {"folder": str(folder), **_told(trainer, rows, test)}
    show(result, as_json=json)
    if safety is not None and result["safety_loss"] > result["budget"]:
        raise BudgetMissed(
            f"the safety loss is {result['safety_loss']:.4f} and its budget {result['budget']:.4f}; allow more, raise "
            "`safety_fraction`, or train longer."
        )


def _trainer(trained: Any, rows: Any, safety: Any, settings: dict[str, Any], constraint: dict[str, Any]) -> Any:
    """Plain fine-tuning where nothing is constrained."""
    from transformers import TrainingArguments

    from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
    from safe_finetune.sft import WeightedSFTTrainer

    if safety is None and constraint["radius"] is None and constraint["relative_radius"] is None:
        return WeightedSFTTrainer(trained, TrainingArguments(**settings), rows)
    return ConstrainedSFTTrainer(trained, ConstrainedSFTConfig(**settings, **constraint), rows, safety)


def _told(trainer: Any, rows: Any, test: Any) -> dict[str, Any]:
    """What is said of a run at its end."""
    result: dict[str, Any] = {"rows": len(rows), "dropped": len(rows.dropped)}
    if getattr(trainer, "multiplier", None):
        result |= {
            "safety_loss_before": trainer.start,
            "safety_loss": trainer.safety_loss(test),
            "budget": trainer.multiplier.budget,
            "safety_weight": trainer.multiplier.value,
        }
    if getattr(trainer, "radius", None):
        result["distance"] = trainer.radius.norm()
    return result


def _limits(budget: str) -> dict[str, float]:
    if found := _ABOVE_START.fullmatch(budget.replace(" ", "")):
        return {"safety_slack": float(found[1])}
    try:
        return {"safety_budget": float(budget)}
    except ValueError:
        raise ValueError(f"`budget` must be a number, or start+NUMBER, got {budget!r}.") from None
