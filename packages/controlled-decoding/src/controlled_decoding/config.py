"""What to steer by, and how hard: the settings of the SASA sampler."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Rule = Literal["log_odds", "bayes", "identity", "softmax", "zscore"]
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A multiplier of the strength that moves linearly from ``first`` to ``last`` over ``tokens`` generated tokens,
    then stays.
    """

    first: float = 1.0
    last: float = 0.0
    tokens: int = 40

    def __post_init__(self) -> None:
        if min(self.first, self.last) < 0 or not math.isfinite(self.first + self.last) or self.tokens < 1:
            raise ValueError(f"`schedule` needs finite multipliers >= 0 and tokens >= 1, got {self}.")

    def at(self, step: int) -> float:
        """Multiplier for the generated token number ``step`` (0-based)."""
        progress = min(step / self.tokens, 1.0)
        return self.first + (self.last - self.first) * progress


@dataclass(frozen=True, kw_only=True)
class SASAConfig:
    """Settings of the sampler; immutable and written into every record."""

    strength: float = 1.0
    """Beta >= 0; 0 is plain decoding. Its unit depends on ``rule``: with "log_odds" 1 multiplies a token's probability
    by its odds of being desired, for every model, with "identity" it is nats per unit of margin, with "softmax" (the
    released code) useful values are ten to several hundred.
    """
    rule: Rule = "log_odds"
    """How margins become shifts, see :func:`controlled_decoding.rules.transform_margins`."""
    top_p: float = 0.9
    """Nucleus of candidates; ignored where ``generate`` itself is given ``top_p``, which then bounds the candidates."""
    max_candidates: int = 20
    """Candidates tried per step at most; the rest of the vocabulary is excluded."""
    kl_budget: float | None = None
    """Nats per token by which the steered distribution may differ from the model's; if given it sets the scale of the
    shift at every step and the strengths only weigh the attributes against each other."""
    gate: float | None = None
    """Steer an attribute only while the log-odds of the text so far are below this value."""
    schedule: Schedule | None = None
    """Strength over the length of the response."""
    exempt_special: bool = True
    """Leave the probability of special tokens (end of text) as the model has it."""

    def __post_init__(self) -> None:
        check_strength(self.strength)
        if self.rule not in RULES:
            raise ValueError(f"`rule` must be one of {', '.join(RULES)}, got {self.rule!r}.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"`top_p` must be in (0, 1], got {self.top_p}.")
        if self.max_candidates < 1:
            raise ValueError(f"`max_candidates` must be at least 1, got {self.max_candidates}.")
        if self.kl_budget is not None and not (math.isfinite(self.kl_budget) and self.kl_budget >= 0):
            raise ValueError(f"`kl_budget` must be finite and >= 0 nats, got {self.kl_budget}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return asdict(self)


def check_strength(strength: float) -> float:
    """Return the strength.

    Raises:
        ValueError: If it is negative, infinite or NaN.
    """
    if not math.isfinite(strength) or strength < 0:
        raise ValueError(
            f"`strength` must be finite and >= 0, got {strength}; to steer the other way, fit with the labels swapped."
        )
    return strength
