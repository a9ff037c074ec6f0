"""What a batch of questions reads: its selections, the columns they become, and where the questions begin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Bool, Int
from torch import Tensor

from memory_llm.epman.cache import EpMANCache, Prefix
from memory_llm.epman.selection import Selection

Renew = Callable[[list[str]], tuple[list[Selection], Prefix]]
"""Selections and columns for what each row has said so far; the rows' first positions stay."""


@dataclass(eq=False)
class Reading:
    """One batch of questions over their memories.

    Attributes:
        selections: One for each question.
        prefix: What lies in the cache before the questions, on the decoder's device.
        offsets: Position of each question's first token.
        every: Generated tokens after which to select anew; never if None.
        renew: How.
    """

    selections: list[Selection]
    prefix: Prefix
    offsets: Int[Tensor, " batch"]
    every: int | None = None
    renew: Renew | None = None

    def expanded(self, rows: Int[Tensor, " expanded"]) -> Prefix:
        """Columns for rows of a batch that was expanded, as beams are."""
        return Prefix(self.prefix.keys[:, rows], self.prefix.values[:, rows], self.prefix.mask[rows])

    def mask(self, rows: Int[Tensor, " expanded"]) -> Bool[Tensor, "expanded columns"]:
        """Which of their columns are tokens."""
        return self.prefix.mask[rows]

    def follow(self, cache: EpMANCache, said: Sequence[str]) -> None:
        """Select anew by what each row has read and said, and exchange the columns of the cache."""
        assert self.renew is not None
        self.selections, self.prefix = self.renew(list(said))
        cache.select(self.prefix)
