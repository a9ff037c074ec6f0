"""The two axes of a trade-off, and one measured point on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What one side measures."""

    name: str
    """Such as ``"refusal rate"``."""
    better: Literal["higher", "lower"]
    unit: str = ""
    """Such as ``"nats per token"``; empty for a pure number."""

    def __post_init__(self) -> None:
        """Refuse an axis without direction."""
        if self.better not in ("higher", "lower"):
            raise ValueError(
                f'`better` of axis {self.name!r} must be "higher" or "lower", got {self.better!r}; say which.'
            )

    @property
    def title(self) -> str:
        """Name and unit, as a picture shows them."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def sign(self) -> int:
        """Factor that makes larger better."""
        return 1 if self.better == "higher" else -1


@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """One trained model: a method at one strength, and what was measured of it.

    Raises:
        ValueError: If a value is not finite or an interval is out of order.
    """

    method: str
    safety: float
    capability: float
    strength: float | None = None
    """lambda, radius, keep ratio, alpha; None for a method without one, such as plain fine-tuning."""
    label: str = ""
    """Shown beside the point; the strength if empty."""
    safety_interval: tuple[float, float] | None = None
    capability_interval: tuple[float, float] | None = None
    runs: tuple[tuple[float, float], ...] = ()
    """(safety, capability) of each seed, in the same order of seeds for all points; empty for a single run."""

    def __post_init__(self) -> None:
        """Refuse what could not be drawn."""
        where = f'of "{self.method}" at strength {self.strength}'
        pairs = [("safety", self.safety), ("capability", self.capability), ("strength", self.strength)]
        pairs += [("runs", value) for run in self.runs for value in run]
        for name, value in pairs:
            if value is not None and not math.isfinite(value):
                raise ValueError(f"`{name}` {where} must be finite, got {value}; leave the point out and say why.")
        for name, ends in (("safety", self.safety_interval), ("capability", self.capability_interval)):
            if ends is not None and not -math.inf < ends[0] <= ends[1] < math.inf:
                raise ValueError(
                    f"`{name}_interval` {where} must be finite and ordered (low, high), got {ends}; swap it."
                )

    @classmethod
    def from_runs(
        cls, method: str, runs: Sequence[tuple[float, float]], *, strength: float | None = None, label: str = ""
    ) -> "FrontierPoint":
        """Mean over seeds, with the least and the greatest of the seeds as intervals."""
        if not runs:
            raise ValueError(
                f'`runs` of "{method}" must hold at least one (safety, capability), got 0; measure a seed.'
            )
        safety, capability = zip(*runs, strict=True)
        return cls(
            method=method,
            safety=float(np.mean(safety)),
            capability=float(np.mean(capability)),
            strength=strength,
            label=label,
            safety_interval=(min(safety), max(safety)),
            capability_interval=(min(capability), max(capability)),
            runs=tuple(runs),
        )

    @property
    def text(self) -> str:
        """The label, or else the strength."""
        return self.label or ("" if self.strength is None else f"{self.strength:g}")
