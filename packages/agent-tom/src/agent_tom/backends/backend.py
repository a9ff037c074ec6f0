"""What a language model does for an agent: it reads a text that grows, and says how likely some continuations are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


class Backend(ABC):
    """Texts of several episodes side by side.

    Attributes:
        tokens_read: Tokens that the model has read since the last :meth:`begin`, all rows together.
    """

    tokens_read: int = 0

    @property
    def longest(self) -> int | None:
        """Tokens that a text may have; None if there is no bound."""
        return None

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(text)

    @abstractmethod
    def begin(self, texts: Sequence[str]) -> None:
        """Forget everything; a row for each text begins with it."""

    @abstractmethod
    def append(self, texts: Sequence[str]) -> None:
        """Further text of each row."""

    @abstractmethod
    def score(self, probes: Sequence[str], options: Sequence[Sequence[str]]) -> Float[np.ndarray, "rows options"]:
        """Log-probability (nats) of each option after a row's text and its probe, which are not kept.

        An option is scored as a whole.

        Args:
            probes: Text that leads up to the options; it should not end in a space, which belongs to the options.
            options: Of each row, as many for all rows, with what ends them, such as a line's end; without it "rock"
                would be the better part of "rock and roll".
        """
