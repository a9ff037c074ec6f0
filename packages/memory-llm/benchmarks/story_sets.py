"""Stories to learn from and to be asked about: generated, or of the released bAbI files, among sentences of a novel."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from memory_llm.haystack import bundled_book, read_book
from memory_llm.haystack.stories import (
    LOCATIONS,
    SHIFTED_LOCATIONS,
    Filler,
    Story,
    dilute_all,
    read_babi,
    shift_locations,
    split_filler,
    variable_tracking,
    where_is_actor,
    where_is_object,
)
from memory_llm.memreasoner.word_tokenizer import word_tokenizer

MOST_FACTS = 10
TEST, HELD_OUT = 1000, 200
TRAINED_VALUES, OTHER_VALUES = range(10_000, 10_400), range(20_000, 20_400)
OFFICIAL = {
    "task1": "en-10k_qa1_single-supporting-fact_train.txt",
    "task2": "en-10k_qa2_two-supporting-facts_train.txt",
}


@dataclass(frozen=True, kw_only=True)
class StorySet:
    """Stories of one task.

    Attributes:
        train: To learn from.
        held_out: Of the same kind, to stop by.
        test: Of the same kind, to be asked.
        shifted: The same with other words for answers, which no training answer had.
        labels: All answers of both.
        lines: Lines with those words, to be learnt as texts alone.
        filler: Sentences of a novel, of which training and test have their own.
    """

    train: list[Story]
    held_out: list[Story]
    test: list[Story]
    shifted: list[Story]
    labels: tuple[str, ...]
    lines: list[str]
    filler: Filler

    def asked(self, num_lines: int, *, shifted: bool = False) -> list[Story]:
        """The test among so many lines of filler."""
        stories = self.shifted if shifted else self.test
        return list(dilute_all(stories, self.filler.test, num_lines, seed=num_lines))

    def tokenizer(self, least: int = 1) -> PreTrainedTokenizerBase:
        """Of the words that training sees so often."""
        texts = chain.from_iterable((*story.lines, story.question, story.answer) for story in self.train)
        return word_tokenizer(chain(texts, self.lines, self.filler.train), least=least)


def story_set(task: str, data: Path | None, book: Path | None) -> StorySet:
    """Stories of "task1", "task2" or "vt"; of the released files in a folder, or generated if there is none.

    The released files are split between their stories: the last 1,000 questions are the test.
    """
    filler = split_filler(read_book(book) if book else bundled_book())
    if task == "vt":
        return _variables(filler)
    if data is not None:
        stories = list(read_babi(data / OFFICIAL[task]))
    else:
        make = where_is_actor if task == "task1" else where_is_object
        stories = list(make(10_000 + TEST, seed=0, most_facts=MOST_FACTS))
    test, held_out, train = stories[-TEST:], stories[-TEST - HELD_OUT : -TEST], stories[: -TEST - HELD_OUT]
    other = shift_locations(train[:2000], "all")
    return StorySet(
        train=train,
        held_out=held_out,
        test=test,
        shifted=shift_locations(test, "all"),
        labels=(*LOCATIONS, *SHIFTED_LOCATIONS),
        lines=sorted({line for story in other for line in story.lines}),
        filler=filler,
    )


def _variables(filler: Filler) -> StorySet:
    stories = list(variable_tracking(10_000 + HELD_OUT + TEST, seed=0, values=TRAINED_VALUES))
    other = list(variable_tracking(2000 + TEST, seed=1, values=OTHER_VALUES))
    return StorySet(
        train=stories[: -TEST - HELD_OUT],
        held_out=stories[-TEST - HELD_OUT : -TEST],
        test=stories[-TEST:],
        shifted=other[-TEST:],
        labels=tuple(str(value) for value in (*TRAINED_VALUES, *OTHER_VALUES)),
        lines=sorted({line for story in other[:2000] for line in story.lines}),
        filler=filler,
    )
