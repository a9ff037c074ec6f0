"""Readers are asked every story once, in batches, and judged by the rule of one label."""

import pytest

from memory_llm.haystack.stories import LOCATIONS, StoryReader, by_length, dilute_all, evaluate, where_is_actor
from memory_llm.haystack.wilson import wilson_rate


class LastMoveReader:
    """Reads the last line that names whom the question names, of the last ``window`` lines."""

    name = "last move"

    def __init__(self, window=None):
        self.window, self.batches = window, []

    def answer(self, stories):
        self.batches.append(len(stories))
        return [self._answer(story) for story in stories]

    def _answer(self, story):
        asked = story.question.split()[-1].strip("?")
        lines = story.lines if self.window is None else story.lines[-self.window :]
        return next((line for line in reversed(lines) if line.startswith(f"{asked} ")), "Nowhere.")


@pytest.fixture(scope="module")
def stories():
    return list(where_is_actor(50))


def test_a_reader_of_the_last_move_is_always_right_and_asked_in_batches(stories):
    reader = LastMoveReader()
    assert isinstance(reader, StoryReader)
    assert evaluate(reader, stories, batch_size=20, progress=False) == wilson_rate(50, 50)
    assert reader.batches == [20, 20, 10]


def test_a_reader_that_names_all_rooms_is_never_right(stories):
    reader = LastMoveReader()
    reader.answer = lambda batch: [", ".join(LOCATIONS)] * len(batch)
    assert evaluate(reader, stories, progress=False).value == 0


def test_few_stories_need_the_labels_of_the_task(stories):
    reader = LastMoveReader()
    reader.answer = lambda batch: [", ".join(LOCATIONS)] * len(batch)
    assert evaluate(reader, stories[:1], progress=False).value == 1
    assert evaluate(reader, stories[:1], labels=LOCATIONS, progress=False).value == 0


def test_a_reader_of_the_end_finds_less_the_longer_the_text(stories, sentences):
    diluted = {length: list(dilute_all(stories, sentences, length)) for length in (0, 30, 300)}
    rates = by_length(LastMoveReader(window=10), diluted, progress=False)
    assert list(rates) == [0, 30, 300]
    assert rates[0].value == 1
    assert rates[0].value > rates[30].value > rates[300].value


def test_faults_are_named(stories):
    reader = LastMoveReader()
    with pytest.raises(ValueError, match="`stories` must hold one story or more"):
        evaluate(reader, [], progress=False)
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        evaluate(reader, stories, batch_size=0, progress=False)
    with pytest.raises(ValueError, match="is none of the labels moon"):
        evaluate(reader, stories, labels=["moon"], progress=False)
    reader.answer = lambda batch: ["garden"]
    with pytest.raises(ValueError, match="last move gave 1 answers to 32 stories"):
        evaluate(reader, stories, progress=False)
