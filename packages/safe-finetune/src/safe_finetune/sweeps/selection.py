"""Fine-tuning on one share of the best-scored rows after the other."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from transformers import TrainingArguments

from safe_finetune.frontier import FrontierPoint
from safe_finetune.rows import EncodedRows, Row
from safe_finetune.selection import SelectorScores
from safe_finetune.sft import WeightedSFTTrainer
from safe_finetune.sweeps.points import PointStore, judge_losses


def sweep_keep_ratios(
    make_model: Callable[[], Any],
    ratios: Sequence[float],
    *,
    rows: Sequence[Row],
    scores: SelectorScores,
    encode: Callable[[Sequence[Row]], EncodedRows],
    held_out: tuple[EncodedRows, EncodedRows],
    store: PointStore,
    training: dict[str, Any],
) -> list[FrontierPoint]:
    """Train from the same start on the rows that each ratio keeps, for as many steps as all rows take.

    Fewer rows in fewer steps would be safer for the steps alone.

    Args:
        make_model: The aligned model, with fresh adapters if it is to have any; called once a ratio.
        ratios: Shares to keep.
        rows: All rows.
        scores: What they are ranked by.
        encode: Makes rows tokens.
        held_out: Task and safety rows to judge by.
        store: Keeps points; what is there is not trained again.
        training: Arguments of transformers, but for the folder.
    """

    def measured(ratio: float) -> tuple[float, float]:
        kept = encode(scores.select(rows, keep_ratio=ratio, allow_subset=True))
        with tempfile.TemporaryDirectory() as folder:
            # An epoch is longer by what was dropped.
            epochs = training["num_train_epochs"] * len(rows) / len(kept)
            settings = {
                "output_dir": folder,
                "num_train_epochs": epochs,
                "save_strategy": "no",
                "save_total_limit": None,
            }
            args = TrainingArguments(**{**training, **settings})
            model = make_model()
            WeightedSFTTrainer(model, args, kept).train()
        return judge_losses(model, *held_out, batch_size=args.per_device_train_batch_size)

    return [store.point("keep", ratio, partial(measured, ratio)) for ratio in ratios]
