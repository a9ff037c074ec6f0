"""Merges of two models at one share after the other."""

from collections.abc import Sequence
from functools import partial

from transformers import PreTrainedModel

from safe_finetune.frontier import FrontierPoint
from safe_finetune.merging.alpha_sweep import convex, sweep_weights
from safe_finetune.rows import EncodedRows
from safe_finetune.sweeps.points import PointStore, judge_losses


def sweep_alphas(
    domain: PreTrainedModel,
    aligned: PreTrainedModel,
    alphas: Sequence[float],
    *,
    held_out: tuple[EncodedRows, EncodedRows],
    store: PointStore,
    batch_size: int = 16,
) -> list[FrontierPoint]:
    """Judge averages of two models in memory by held-out losses.

    Args:
        domain: The expert; it is as it was afterwards.
        aligned: The aligned model.
        alphas: Its shares.
        held_out: Task and safety rows to judge by.
        store: Keeps points; what is there is not judged again.
        batch_size: Rows of a forward pass.
    """

    def judged(model: PreTrainedModel) -> tuple[float, float]:
        return judge_losses(model, *held_out, batch_size=batch_size)

    def measured(alpha: float) -> tuple[float, float]:
        return sweep_weights(domain, aligned, convex([alpha]), judged)[0]

    return [store.point("alpha", alpha, partial(measured, alpha)) for alpha in alphas]
