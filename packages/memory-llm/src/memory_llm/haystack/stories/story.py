"""A question about lines of a text, some of which are needed to answer it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Story:
    """Lines, a question about them, and its answer.

    Attributes:
        lines: Sentences in their order.
        question: What is asked.
        answer: A word, or several with blanks between them.
        support: Numbers (0-based, in ``lines``) of the lines needed, in the order in which one is found by the other;
            empty if unknown.
    """

    lines: tuple[str, ...]
    question: str
    answer: str
    support: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        outside = [number for number in self.support if number not in range(len(self.lines))]
        if outside:
            raise ValueError(
                f"`support` must hold numbers of lines from 0 to {len(self.lines) - 1}, got {outside[0]}; count only "
                "the lines before the question, and no questions."
            )
