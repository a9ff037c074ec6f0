"""What a language model does for an agent: it reads a text that grows, says how likely some continuations are, and
writes some of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from agent_tom.backends.chat import ChatFrame


@dataclass(frozen=True)
class Written:
    """A text that a model wrote.

    Attributes:
        text: Without what ended it.
        num_tokens: That it took, with the one that ended it.
        cut_off: Whether it ended only because its budget did.
    """

    text: str
    num_tokens: int
    cut_off: bool


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

    def chat_frame(self) -> ChatFrame:
        """The chat template as text around a user's turn.

        Raises:
            ValueError: If there is none.
        """
        raise ValueError(
            f"{type(self).__name__} knows no chat template; set `chat` to false, or load the model itself."
        )

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

    def generate(
        self,
        probes: Sequence[str],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        draws: Float[np.ndarray, " rows"] | None = None,
    ) -> list[Written]:
        """A text for each row, written after the row's text and its probe; nothing of it is kept.

        Args:
            probes: Text that leads up to it.
            max_tokens: Budget of each text.
            stop: A text ends before the first of these, or where the model ends it.
            draws: A uniform number a row, from which all follow that its text is sampled with, at temperature 1;
                without them the likeliest token is taken each time.

        Raises:
            ValueError: If the backend cannot write.
        """
        raise ValueError(f"{type(self).__name__} writes no texts; choose a strategy without them, or another backend.")
