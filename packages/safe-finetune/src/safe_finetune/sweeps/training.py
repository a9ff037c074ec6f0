"""The same fine-tuning under one constraint after the other, of rising strength."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.frontier import FrontierPoint
from safe_finetune.rows import EncodedRows
from safe_finetune.sweeps.points import PointStore, judge_losses

CONSTRAINTS = ("safety_weight", "safety_budget", "radius", "relative_radius")


def sweep_training(
    make_model: Callable[[], Any],
    constraint: str,
    strengths: Sequence[float],
    *,
    task: EncodedRows,
    safety: EncodedRows | None,
    held_out: tuple[EncodedRows, EncodedRows],
    store: PointStore,
    training: dict[str, Any],
) -> list[FrontierPoint]:
    """Train from the same start at each strength, and judge by held-out losses.

    Args:
        make_model: The aligned model, with fresh adapters if it is to have any; called once a strength.
        constraint: "safety_weight", "safety_budget", "radius" or "relative_radius".
        strengths: Its values.
        task: Rows to train on.
        safety: Safety rows, for the first two constraints.
        held_out: Task and safety rows to judge by.
        store: Keeps points; what is there is not trained again.
        training: Arguments of transformers, but for the folder.

    Raises:
        ValueError: If the constraint is none of these.
    """
    if constraint not in CONSTRAINTS:
        raise ValueError(f"`constraint` must be one of {', '.join(CONSTRAINTS)}, got {constraint!r}.")

    def measured(strength: float) -> tuple[float, float]:
        limits: dict[str, Any] = {constraint: strength}
        if constraint == "safety_weight":
            limits["mode"] = "penalty"
        with tempfile.TemporaryDirectory() as folder:
            args = ConstrainedSFTConfig(
                **{**training, **limits, "output_dir": folder, "save_strategy": "no", "save_total_limit": None}
            )
            model = make_model()
            needs_rows = constraint.startswith("safety")
            ConstrainedSFTTrainer(model, args, task, safety if needs_rows else None).train()
        return judge_losses(model, *held_out, batch_size=args.per_device_train_batch_size)

    return [store.point(constraint, strength, partial(measured, strength)) for strength in strengths]
