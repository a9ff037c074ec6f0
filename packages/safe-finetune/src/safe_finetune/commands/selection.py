"""``safe-finetune score`` and ``select``."""

from pathlib import Path
from typing import Any, Literal

from gpu_commons.cli import is_main_process, logs_on_stderr, show


def score(
    model: str,
    data: str,
    safe: str,
    out: str,
    method: Literal["seal", "random", "loss", "safe-tuned-loss", "excess-loss", "gradients", "dsir"] = "seal",
    algorithm: Literal["penalty", "memory_efficient"] = "penalty",
    selector_optimizer: Literal["mirror", "sgd", "adam"] = "mirror",
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
    """Score fine-tuning rows by how well they go with trusted ones; higher is kept first.

    Args:
        model: The aligned model: hub id, folder, .gguf file or bundled:NAME.
        data: Fine-tuning rows (.jsonl, .csv, .tsv, .parquet, or a hub dataset).
        safe: Trusted rows; they should cover the task too, not refusals alone. Those with `is_safe` false are left out.
        out: Scores, a .parquet file.
        method: SEAL, or what it is compared with.
        algorithm: Of SEAL: with the value function of the lower level, or without, as released.
        selector_optimizer: Of SEAL; "adam" is the released code's.
        epochs: Of training, for methods that train.
        batch_size: Rows of a step.
        learning_rate: Of the model.
        lora_rank: Of the adapters that are trained; 0 trains the whole model.
        max_length: Tokens of a row.
        dtype: Of the model.
        device: Where it runs.
        seed: Of orders and adapters.
        resume: Go on from the last checkpoint of SEAL.
        json: Result as JSON on stdout.
    """
    from gpu_commons import load_model
    from safe_finetune.commands.training_settings import training_of
    from safe_finetune.rows import RowEncoder, load_rows, load_safe_rows
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

    target = Path(out).expanduser()
    if target.suffix != ".parquet":
        raise ValueError(f"`out` must end in .parquet, got {out!r}.")
    rows, safe_rows = load_rows(data), load_safe_rows(safe)
    encoder, lora = RowEncoder(max_length=max_length), lora_of(lora_rank)
    loaded = load_model(model, dtype=dtype, device=device)
    where = loaded.model.device.type
    settings = training_of(
        target.with_suffix(""),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        device=where,
        seed=seed,
    )
    makers: dict[str, Any] = {
        "seal": lambda: SealScorer(
            training=SealConfig(**settings, algorithm=algorithm, selector_optimizer=selector_optimizer),
            peft_config=lora,
            encoder=encoder,
            resume=resume,
        ),
        "random": lambda: RandomScorer(seed=seed, encoder=encoder),
        "loss": lambda: LossScorer(encoder=encoder, batch_size=batch_size),
        "safe-tuned-loss": lambda: SafeTunedLossScorer(
            training=_arguments(settings), peft_config=lora, encoder=encoder, batch_size=batch_size
        ),
        "excess-loss": lambda: ExcessLossScorer(
            training=_arguments(settings), peft_config=lora, encoder=encoder, batch_size=batch_size
        ),
        "gradients": lambda: GradientSimilarityScorer(peft_config=lora, seed=seed, encoder=encoder),
        "dsir": lambda: DSIRScorer(encoder=encoder),
    }
    with logs_on_stderr():
        scores = makers[method]().score(loaded.model, loaded.tokenizer, rows, safe_rows)
    if is_main_process():
        scores.save(target)
    show({"scores": str(target), "rows": len(scores.row_ids), "dropped": len(rows) - len(scores.row_ids)}, as_json=json)


def select(scores: str, data: str, out: str, keep: float = 0.8, allow_subset: bool = False, json: bool = False) -> None:
    """Keep the best-scored rows; scores and rows are joined by id.

    Args:
        scores: A file that `score` has left.
        data: The rows that were scored.
        out: Kept rows, a .jsonl file of messages.
        keep: Share to keep.
        allow_subset: Take rows without a score, and scores without a row, for what they are: not kept.
        json: Result as JSON on stdout.
    """
    from gpu_commons.table_rows import write_rows
    from safe_finetune.rows import load_rows
    from safe_finetune.selection import SelectorScores

    rows = load_rows(data)
    kept = SelectorScores.load(scores).select(rows, keep_ratio=keep, allow_subset=allow_subset)
    path = write_rows((row.as_record() for row in kept), out)
    show({"kept": len(kept), "of": len(rows), "out": str(path)}, as_json=json)


def _arguments(settings: dict[str, Any]) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(**settings)
