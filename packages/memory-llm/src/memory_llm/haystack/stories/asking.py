"""Readers asked the questions of stories, and how often they are right."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from tqdm import tqdm

from memory_llm.haystack.stories.single_label import names_only
from memory_llm.haystack.stories.story import Story
from memory_llm.haystack.wilson import Rate, wilson_rate

Length = TypeVar("Length")


@runtime_checkable
class StoryReader(Protocol):
    """Whatever answers questions about lines."""

    name: str
    """Tells one reader from another in tables."""

    def answer(self, stories: Sequence[Story]) -> list[str]:
        """An answer to each story, of which only lines and question may be looked at."""


def evaluate(
    reader: StoryReader,
    stories: Sequence[Story],
    *,
    labels: Collection[str] | None = None,
    batch_size: int = 32,
    progress: bool = True,
) -> Rate:
    """How often a reader is right by the rule of :func:`names_only`, with the 95 % Wilson interval.

    Args:
        reader: Who is asked.
        stories: All with answers.
        labels: All answers of the task; the words of the stories' answers if absent. Few stories may not show all of
            them: give the labels then.
        batch_size: Stories asked at once.
        progress: Whether to show progress on stderr.

    Raises:
        ValueError: If there are no stories, an answer is no label, or the reader gives too few or too many answers.
    """
    if not stories:
        raise ValueError("`stories` must hold one story or more, got none.")
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
    known = {word for story in stories for word in story.answer.split()} if labels is None else set(labels)
    num_right = 0
    with tqdm(total=len(stories), desc=reader.name, unit="story", disable=not progress) as bar:
        for first in range(0, len(stories), batch_size):
            batch = stories[first : first + batch_size]
            answers = reader.answer(batch)
            if len(answers) != len(batch):
                raise ValueError(
                    f"{reader.name} gave {len(answers)} answers to {len(batch)} stories; it must give one each."
                )
            num_right += sum(
                names_only(said, story.answer, story.question, known)
                for said, story in zip(answers, batch, strict=True)
            )
            bar.update(len(batch))
    return wilson_rate(num_right, len(stories))


def by_length(
    reader: StoryReader,
    diluted: Mapping[Length, Sequence[Story]],
    *,
    labels: Collection[str] | None = None,
    batch_size: int = 32,
    progress: bool = True,
) -> dict[Length, Rate]:
    """:func:`evaluate` for the stories of every length, in the order given; labels absent are those of all lengths."""
    if labels is None:
        labels = {word for stories in diluted.values() for story in stories for word in story.answer.split()}
    return {
        length: evaluate(reader, stories, labels=labels, batch_size=batch_size, progress=progress)
        for length, stories in diluted.items()
    }
