"""Averages over assays as ProteinGym's leaderboard has them, with every breakdown.

Proteins of many assays, and types of selection with many proteins, count no more than others: values of a protein's
assays of one type are averaged to a cell, the cells of a type to the type's value, and the five types to one number.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from protein_fitness.benchmark.levels import AssayLevel

Key = TypeVar("Key")
RESAMPLES = 10_000
_BLOCK = 1000


@dataclass(frozen=True, kw_only=True)
class Averages:
    """One model's averages of one metric; NaN where no assay has a value.

    Attributes:
        average: Mean over the types of selection.
        assays: That have a value.
        selection: By type.
        msa_depth: By depth of the alignment: mean within a protein, then over proteins.
        taxon: By taxon, in the same way.
    """

    average: float
    assays: int
    selection: dict[str, float]
    msa_depth: dict[str, float]
    taxon: dict[str, float]


def averages(levels: Sequence[AssayLevel], model: str) -> Averages:
    """Average a model's values.

    The average is that of the types that have a value; with assays missing it is not the leaderboard's, and ``assays``
    tells.
    """
    known = [level for level in levels if not math.isnan(_value(level, model))]
    selection = _by(known, model, lambda level: level.selection)
    return Averages(
        average=_mean(selection.values()),
        assays=len(known),
        selection=selection,
        msa_depth=_by(known, model, lambda level: level.msa_depth),
        taxon=_by(known, model, lambda level: level.taxon),
    )


def cell_average(levels: Sequence[AssayLevel], model: str) -> float:
    """The mean over cells (a protein's assays of one type) with no regard to types.

    ProteinGym's for mutants of one depth, with values over those mutants alone.
    """
    return _mean(cells(levels, model).values())


def cells(levels: Sequence[AssayLevel], model: str) -> dict[tuple[str, str], float]:
    """A model's mean value by protein and type of selection; those without a value are left out."""
    return _means(
        ((level.protein, level.selection), _value(level, model))
        for level in levels
        if not math.isnan(_value(level, model))
    )


def standard_errors(
    levels: Sequence[AssayLevel], models: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, float]:
    """The bootstrap's standard error of each model's average less that of the best one; 0 for that itself.

    Cells are drawn with replacement within each type of selection. Those that only one of the two has do not count.

    Args:
        levels: Values.
        models: To compare; the best is the one with the highest average.
        resamples: Draws.
        seed: Of the draws.

    Source: ProteinGym, which compares to one named model instead.
    """
    found = {model: cells(levels, model) for model in models}
    best = max(models, key=lambda model: _or_least(averages(levels, model).average))
    return {model: _error(found[model], found[best], resamples, seed) for model in models}


def _error(own: dict[tuple[str, str], float], best: dict[tuple[str, str], float], resamples: int, seed: int) -> float:
    shared = sorted(set(own) & set(best))
    draws = np.random.default_rng(seed)
    total = np.zeros(resamples)
    types = sorted({selection for _, selection in shared})
    if not types:
        return math.nan
    for selection in types:
        lost = np.array([own[cell] - best[cell] for cell in shared if cell[1] == selection])
        for start in range(0, resamples, _BLOCK):
            stop = min(start + _BLOCK, resamples)
            total[start:stop] += lost[draws.integers(len(lost), size=(stop - start, len(lost)))].mean(1)
    return float((total / len(types)).std(ddof=1))


def _by(levels: Iterable[AssayLevel], model: str, group: Callable[[AssayLevel], str]) -> dict[str, float]:
    """Mean within each protein of a group, then over its proteins; assays whose group is not known are left out."""
    proteins = _means(((level.protein, name), _value(level, model)) for level in levels if (name := group(level)))
    return _means((name, value) for (_, name), value in proteins.items())


def _means(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    values: dict[Key, list[float]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return {key: _mean(found) for key, found in values.items()}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found) if found else math.nan


def _value(level: AssayLevel, model: str) -> float:
    return level.values.get(model, math.nan)


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value
