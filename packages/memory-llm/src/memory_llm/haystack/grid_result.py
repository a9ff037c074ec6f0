"""What a reader answered over a grid of lengths and depths, and its recall by cell."""

from dataclasses import dataclass

from memory_llm.haystack.wilson import Rate, wilson_rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A reader's answer to one haystack."""

    haystack: str
    """Sixteen hex digits of the haystack's text, question and cue."""
    num_tokens: int
    depth: float
    seed: int
    expected: str
    answer: str
    correct: bool
    bytes_moved: int
    """Bytes handed to the decoder's device for this answer."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall time of one haystack in seconds."""

    ingest_s: float
    answer_s: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One length and depth: recall with its 95 % Wilson interval, and mean costs of a haystack."""

    num_tokens: int
    depth: float
    num_haystacks: int
    recall: Rate
    bytes_moved: float
    ingest_s: float
    answer_s: float


@dataclass(frozen=True)
class GridResult:
    """Answers of one reader, in the order of the haystacks, each with its timing."""

    reader: str
    answers: list[Answer]
    timings: list[Timing]

    @property
    def recall(self) -> Rate:
        """Over all haystacks.

        Raises:
            ValueError: If there are none.
        """
        return wilson_rate(sum(answer.correct for answer in self.answers), len(self.answers))

    @property
    def cells(self) -> list[Cell]:
        """By length, then depth."""
        members: dict[tuple[int, float], list[int]] = {}
        for row, answer in enumerate(self.answers):
            members.setdefault((answer.num_tokens, answer.depth), []).append(row)
        return [self._cell(*key, members[key]) for key in sorted(members)]

    def _cell(self, num_tokens: int, depth: float, rows: list[int]) -> Cell:
        answers, timings = [self.answers[row] for row in rows], [self.timings[row] for row in rows]
        return Cell(
            num_tokens=num_tokens,
            depth=depth,
            num_haystacks=len(rows),
            recall=wilson_rate(sum(answer.correct for answer in answers), len(rows)),
            bytes_moved=sum(answer.bytes_moved for answer in answers) / len(rows),
            ingest_s=sum(timing.ingest_s for timing in timings) / len(rows),
            answer_s=sum(timing.answer_s for timing in timings) / len(rows),
        )
