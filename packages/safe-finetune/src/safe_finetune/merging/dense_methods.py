"""Methods that use every change: the average, task arithmetic, and the arc."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from safe_finetune.merging.method import Block, Blocks, Combination, MergeMethod, Settings, weighted_sum


class Linear(MergeMethod):
    """The weighted sum; with weights that add up to 1, the average that MergeAlign is."""

    needs_base = False

    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        return lambda number, models, base: weighted_sum(settings.weights, models)


class TaskArithmetic(MergeMethod):
    """The base, and the weighted sum of the changes from it (Ilharco et al. 2023)."""

    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        def combine(number: int, models: Sequence[Block], base: Block | None) -> Block:
            assert base is not None
            return base + weighted_sum(settings.weights, [model - base for model in models])

        return combine


class Slerp(MergeMethod):
    """On the arc between two models; the second's weight is the way along it (Shoemake 1985).

    Each tensor is one vector. Where two are almost parallel, the arc is the line between them.
    """

    needs_base = False
    num_models = 2

    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        dot, squares = 0.0, np.zeros(2)
        for _, (one, other), _ in tensor:
            dot += float(one @ other)
            squares += (float(one @ one), float(other @ other))
        weights = arc_weights(dot, np.sqrt(squares), settings.weights[1])
        return lambda number, models, base: weighted_sum(weights, models)


def arc_weights(dot: float, norms: NDArray[np.float64], way: float) -> tuple[float, float]:
    """Weights of two vectors at a point of the arc between them; way is 0 at the first and 1 at the second."""
    cosine = dot / float(norms.prod()) if norms.all() else 1.0
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return 1.0 - way, way
    return float(np.sin((1 - way) * angle) / np.sin(angle)), float(np.sin(way * angle) / np.sin(angle))
