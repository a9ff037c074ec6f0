"""Filler keeps facts in order, samples are decided by seed and number, and what cannot be learned is named."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.baselines.encoding import StoryEncoder
from memory_llm.memreasoner.baselines.training_stories import TrainingStories, diluted


@given(num_lines=st.integers(1, 6), most=st.integers(0, 8), seed=st.integers(0, 10_000))
def test_filler_keeps_the_order_of_facts_and_support_follows_them(num_lines, most, seed):
    lines = tuple(f"fact {number}" for number in range(num_lines))
    support = (num_lines - 1, 0)
    story = Story(lines=lines, question="which", answer="it", support=support)
    found = diluted(story, ["filler"], random.Random(seed), most=most)
    assert tuple(line for line in found.lines if line != "filler") == lines
    assert [found.lines[number] for number in found.support] == [lines[number] for number in support]
    assert len(found.lines) - num_lines <= most


def test_filler_reaches_every_place_and_every_number(stories):
    draws = random.Random(0)
    found = [diluted(stories[0], ["filler"], draws, most=3).lines for _ in range(200)]
    assert {len(lines) for lines in found} == {2, 3, 4, 5}
    assert {lines.index("filler") for lines in found if len(lines) == 3} == {0, 1, 2}


def make(stories, tokenizer, filler=(), **settings):
    return TrainingStories(
        stories, StoryEncoder(tokenizer), size=256, batch_size=4, filler=filler, auxiliary=filler, **settings
    )


def test_samples_are_decided_by_seed_and_number(stories, tokenizer, filler):
    first, again = make(stories, tokenizer, filler), make(stories, tokenizer, filler)
    assert [first[number] for number in range(128)] == [again[number] for number in reversed(range(128))][::-1]
    assert [make(stories, tokenizer, filler, seed=1)[number] for number in range(64)] != [
        first[number] for number in range(64)
    ]
    assert {sample.step for sample in map(first.__getitem__, range(128))} == {0, 16}


def test_rows_of_a_batch_are_alike_in_length(stories, tokenizer, filler):
    samples = make(stories, tokenizer, filler)
    lengths = [samples[number].story.num_tokens for number in range(64)]
    spread = [max(lengths[at : at + 4]) - min(lengths[at : at + 4]) for at in range(0, 64, 4)]
    assert max(lengths) - min(lengths) > 3 * sum(spread) / len(spread)


def test_stories_grow_after_half_of_the_curriculum(stories, tokenizer, filler):
    long = [Story(lines=each.lines * 4, question=each.question, answer=each.answer) for each in stories] * 4
    samples = TrainingStories(
        [*long, *stories], StoryEncoder(tokenizer), size=512, batch_size=4, filler=filler, curriculum_steps=64
    )
    lines = [[len(samples[number].story.lines) for number in range(start, start + 64)] for start in range(0, 384, 64)]
    assert {*lines[0], *lines[1]} == {2}
    assert max(lines[2]) <= 8
    assert 8 < max(lines[3]) <= 12
    assert max(lines[4]) > 12
    assert min(lines[5]) < 8


@pytest.mark.parametrize("answer", ["kitchen garden", "cellar", "?!"])
def test_answers_of_other_than_one_known_word_are_refused(stories, tokenizer, answer):
    wrong = Story(lines=stories[0].lines, question="Where is John?", answer=answer)
    with pytest.raises(ValueError, match=r"answer to 'Where is John\?' must be one word of the vocabulary, got"):
        make([wrong], tokenizer)


def test_stories_without_lines_or_words_are_refused(stories, tokenizer):
    encoder = StoryEncoder(tokenizer)
    with pytest.raises(ValueError, match="`stories` is empty"):
        make([], tokenizer)
    with pytest.raises(ValueError, match="the story of 'where' has no lines"):
        encoder.story(Story(lines=(), question="where", answer="kitchen"))
    with pytest.raises(ValueError, match="a line or a question without words, got ' '"):
        encoder.story(Story(lines=(" ",), question="where", answer="kitchen"))
