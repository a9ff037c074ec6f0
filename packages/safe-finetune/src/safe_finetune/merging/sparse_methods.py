"""Methods that use some of the changes: the largest (TIES), or some by chance (DARE)."""

import hashlib
from collections.abc import Sequence

import numpy as np

from safe_finetune.merging.magnitude import MagnitudeThreshold
from safe_finetune.merging.method import Block, Blocks, Combination, MergeMethod, Settings, weighted_sum


class Ties(MergeMethod):
    """The base, and the mean of those of the largest changes that agree in sign (Yadav et al. 2023).

    Of each model's change of a tensor, the share ``density`` that is largest stays; changes equal to the smallest of
    these all stay. The sign is that of the weighted sum; what agrees with it is averaged by weight.
    """

    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        thresholds = _thresholds(tensor, settings.densities)

        def combine(number: int, models: Sequence[Block], base: Block | None) -> Block:
            assert base is not None
            changes = [model - base for model in models]
            for change, threshold in zip(changes, thresholds, strict=True):
                change[np.abs(change) < threshold] = 0.0
            return base + agreeing_mean(settings.weights, changes)

        return combine


class DareLinear(MergeMethod):
    """The base, and the weighted sum of changes of which some are dropped by chance and the others enlarged for it
    (Yu et al. 2024).

    What is dropped depends on seed, tensor and model alone, not on files or the size of pieces.
    """

    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        def combine(number: int, models: Sequence[Block], base: Block | None) -> Block:
            assert base is not None
            return base + weighted_sum(settings.weights, _dropped(tensor.name, number, models, base, settings))

        return combine


class DareTies(MergeMethod):
    """The base, and the mean of those changes left by DARE's dropping that agree in sign."""

    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        def combine(number: int, models: Sequence[Block], base: Block | None) -> Block:
            assert base is not None
            return base + agreeing_mean(settings.weights, _dropped(tensor.name, number, models, base, settings))

        return combine


def agreeing_mean(weights: Sequence[float], changes: Sequence[Block]) -> Block:
    """Mean by weight of those changes whose sign is that of the weighted sum of all; 0 where none is."""
    sign = np.sign(weighted_sum(weights, changes))
    total, share = np.zeros_like(sign), np.zeros_like(sign)
    for weight, change in zip(weights, changes, strict=True):
        agrees = (np.sign(weight * change) == sign) & (sign != 0)
        total += np.where(agrees, weight * change, 0.0)
        share += np.where(agrees, abs(weight), 0.0)
    return np.divide(total, share, out=total, where=share > 0)


def _thresholds(tensor: Blocks, densities: Sequence[float]) -> list[float]:
    """The smallest magnitude that stays, of each model."""
    searches = [MagnitudeThreshold(tensor.num_elements, density) for density in densities]
    while any(search.is_open for search in searches):
        for _, models, base in tensor:
            assert base is not None
            for search, model in zip(searches, models, strict=True):
                search.see(np.abs(model - base))
        for search in searches:
            search.narrow()
    return [search.value for search in searches]


def _dropped(name: str, number: int, models: Sequence[Block], base: Block, settings: Settings) -> list[Block]:
    changes = []
    for place, (model, density) in enumerate(zip(models, settings.densities, strict=True)):
        key = hashlib.sha256(f"{settings.seed}/{place}/{name}".encode()).digest()[:16]
        generator = np.random.Generator(np.random.Philox(key=np.frombuffer(key, np.uint64), counter=number << 64))
        kept = generator.random(len(base), dtype=np.float32) < density
        changes.append(np.where(kept, (model - base) / density, 0.0))
    return changes
