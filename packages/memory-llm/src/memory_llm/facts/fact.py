"""A fact to tell a model: a prompt, the target that must follow it, and the prompts that show how far it reaches."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s+|\n+")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One fact, and what an edit of it is judged by.

    Attributes:
        id: Unique among the facts told together.
        prompt: The text up to where the target begins, without trailing white space.
        target: What must follow the prompt, without white space around it.
        subject: What the fact is about, as it is spelt in the prompts.
        old_target: What the model is expected to say before the edit.
        paraphrases: Other prompts for the same target, as in the file: with the unrelated lead-in that CounterFact puts
            before them (the "full" protocol).
        neighbours: Prompts whose answer must not change.
        neighbour_target: The true answer of all neighbours; None where it is unknown or not the same for all.

    Raises:
        ValueError: If ``prompt`` or ``target`` is empty, or has white space where the two are joined.
    """

    id: str
    prompt: str
    target: str
    subject: str | None = None
    old_target: str | None = None
    paraphrases: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    neighbour_target: str | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "target"):
            if not getattr(self, name).strip():
                raise ValueError(f"`{name}` of fact {self.id!r} is empty; give it a text or leave the fact out.")
        if self.prompt != self.prompt.rstrip():
            raise ValueError(
                f"`prompt` of fact {self.id!r} ends in white space; strip it, for the target brings its own."
            )
        if self.target != self.target.strip():
            raise ValueError(f"`target` of fact {self.id!r} has white space around it; strip it.")

    @property
    def text(self) -> str:
        """The fact as one sentence."""
        return f"{self.prompt} {self.target}."

    def stripped_paraphrases(self) -> tuple[str, ...]:
        """Paraphrases from the beginning of the sentence that holds the subject (the "stripped" protocol).

        A paraphrase stays as it is where the subject is unknown, does not occur, or stands in the first sentence. The
        last occurrence of the subject counts; an abbreviation before it ("Dr. ") is taken for the end of a sentence.

        Source:
            Larimar (arXiv 2403.11901) evaluates on these. Differs: its code keeps the last sentence, which cuts into
            subjects that hold a full stop.
        """
        return tuple(_from_sentence_of(self.subject, paraphrase) for paraphrase in self.paraphrases)


def conflicts(facts: Iterable[Fact]) -> list[tuple[Fact, Fact]]:
    """Pairs of facts with the same prompt and different targets, in the order given: no memory can serve both."""
    by_prompt: dict[str, list[Fact]] = {}
    for fact in facts:
        by_prompt.setdefault(fact.prompt, []).append(fact)
    return [
        (first, second)
        for group in by_prompt.values()
        for first, second in combinations(group, 2)
        if first.target != second.target
    ]


def _from_sentence_of(subject: str | None, text: str) -> str:
    start = text.rfind(subject) if subject else -1
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, start)] if start > 0 else []
    return text[ends[-1] :] if ends else text
