"""What a judge is."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Judge(Protocol):
    """Scores texts for one undesired attribute.

    Attributes:
        name: Short and unique in a report.
        version: Of the software or data behind it.
        sha256: Over everything that decides the score (weights, word list); the key of cached scores.
    """

    name: str
    version: str
    sha256: str

    def score(self, texts: Sequence[str]) -> list[float]:
        """One number in 0..1 for each text; higher means more of the undesired attribute, from 0.5 on it counts as
        present.
        """
        ...
