"""The text of each episode, which grows by a line a round, and what becomes of it where a model has no room for it."""

import copy
from collections.abc import Callable, Sequence

from agent_tom.backends.backend import Backend

Summarise = Callable[[Backend, Sequence[int]], list[str]]


class Transcript:
    """Openings, and after each the lines of the last rounds for which there is room.

    Where lines have to fall out, the texts are read anew. What falls out of a text depends on that text alone, not on
    those beside it.

    Args:
        backend: That reads; it begins anew.
        openings: Of each text.
        room: Tokens that a text may have; no bound if None.
        summarise: Of a backend whose texts are what falls out, and of the numbers of the rows that they belong to:
            lines that stand in its place. Then the older half of the lines falls out at once, since a summary costs a
            text; without it as few as need to.
    """

    def __init__(
        self,
        backend: Backend,
        openings: Sequence[str],
        *,
        room: int | None = None,
        summarise: Summarise | None = None,
    ):
        self.backend, self._room, self._summarise = backend, room, summarise
        self._openings = list(openings)
        self._summaries = [""] * len(openings)
        self._lines: list[list[str]] = [[] for _ in openings]
        self._sizes: list[list[int]] = [[] for _ in openings]
        backend.begin(openings)

    @property
    def rounds_read(self) -> list[int]:
        """Lines in each text."""
        return [len(lines) for lines in self._lines]

    def append(self, lines: Sequence[str]) -> None:
        """A line for each text."""
        for row, line in enumerate(lines):
            self._lines[row].append(line)
            if self._room is not None:
                self._sizes[row].append(self.backend.count(line))
        falling = [self._num_falling(row) for row in range(len(lines))]
        if not any(falling):
            self.backend.append(lines)
            return
        if self._summarise is not None:
            self._sum_up([row for row, count in enumerate(falling) if count], falling, self._summarise)
        for row, count in enumerate(falling):
            del self._lines[row][:count], self._sizes[row][:count]
        self._read([self._heads(row) + "".join(self._lines[row]) for row in range(len(lines))])

    def _num_falling(self, row: int) -> int:
        """Lines that have to fall out of a text."""
        if self._room is None:
            return 0
        size = self.backend.count(self._heads(row)) + sum(self._sizes[row])
        count = 0
        while size > self._room and count < len(self._sizes[row]):
            size -= self._sizes[row][count]
            count += 1
        return max(count, len(self._sizes[row]) // 2) if count and self._summarise else count

    def _sum_up(self, rows: Sequence[int], falling: Sequence[int], summarise: Summarise) -> None:
        aside = copy.copy(self.backend)
        aside.begin([self._heads(row) + "".join(self._lines[row][: falling[row]]) for row in rows])
        for row, told in zip(rows, summarise(aside, rows), strict=True):
            self._summaries[row] = told
        self.backend.tokens_read += aside.tokens_read

    def _read(self, texts: Sequence[str]) -> None:
        before = self.backend.tokens_read
        self.backend.begin(texts)
        self.backend.tokens_read += before

    def _heads(self, row: int) -> str:
        return self._openings[row] + self._summaries[row]
