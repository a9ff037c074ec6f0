"""A weight of a model in a merge: one number, or numbers by layer."""

import re
from dataclasses import dataclass

import numpy as np

_LAYER = re.compile(r"\.(\d+)\.")
_RANGE = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class LayerRule:
    """Value for the tensors that a pattern fits.

    Attributes:
        pattern: Parts of tensor names, as ``model.layers.0-7``, ``lm_head`` or ``mlp``: they fit where they stand in a
            row in the name; ``0-7`` fits the numbers 0 to 7.
        value: A number, or numbers at even distances from the first layer to the last, interpolated between.
    """

    pattern: str
    value: float | tuple[float, ...]

    def fits(self, name: str) -> bool:
        """Whether the pattern fits a tensor's name."""
        wanted, parts = self.pattern.split("."), name.split(".")
        starts = range(len(parts) - len(wanted) + 1)
        return any(all(map(_part_fits, wanted, parts[start:])) for start in starts)


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """A default, and rules of which the first that fits counts."""

    default: float | tuple[float, ...]
    rules: tuple[LayerRule, ...] = ()

    def at(self, name: str, num_layers: int) -> float:
        """Weight of a tensor.

        Args:
            name: Its name; the first number in it is taken for its layer (0-based).
            num_layers: Of the model.
        """
        value = next((rule.value for rule in self.rules if rule.fits(name)), self.default)
        if not isinstance(value, tuple):
            return float(value)
        return float(np.interp(_depth(name, num_layers), np.linspace(0, 1, len(value)), value))

    @property
    def values(self) -> list[float]:
        """All numbers that occur, for checks."""
        given = [self.default, *(rule.value for rule in self.rules)]
        return [one for value in given for one in (value if isinstance(value, tuple) else (value,))]


def _part_fits(wanted: str, part: str) -> bool:
    if bounds := _RANGE.fullmatch(wanted):
        return part.isdigit() and int(bounds[1]) <= int(part) <= int(bounds[2])
    return wanted == part


def _depth(name: str, num_layers: int) -> float:
    """0 for embeddings and the first layer, 1 for the last and what comes after."""
    if (layer := _LAYER.search(name)) is None:
        return 0.0 if "embed" in name else 1.0
    return min(int(layer[1]) / max(num_layers - 1, 1), 1.0)
