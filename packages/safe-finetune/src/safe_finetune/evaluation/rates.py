"""A share of counted things with its interval."""

from dataclasses import dataclass

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """So many of so many."""

    count: int
    total: int

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if not 0 <= self.count <= self.total or self.total == 0:
            raise ValueError(f"`count` must lie in [0, total] with total above 0, got {self.count} of {self.total}.")

    @property
    def value(self) -> float:
        """Share in [0, 1]."""
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval, which stays inside [0, 1] and is honest for few and for extreme counts.

        Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
        """
        from scipy.stats import binomtest

        ends = binomtest(self.count, self.total).proportion_ci(_CONFIDENCE, method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f} to {high:.3f}; {self.count}/{self.total})"
