"""A story with its filler and the room for a prompt has the tokens asked for."""

from itertools import pairwise

import pytest

from gpu_commons.testing import tiny_tokenizer
from memory_llm.haystack.stories import CountedFiller, dilute_all_to_tokens, dilute_to_tokens, where_is_object
from memory_llm.haystack.stories.dilute_to_tokens import PROMPT_TOKENS

TOKENIZER = tiny_tokenizer()


def num_tokens(text):
    return len(TOKENIZER(text, add_special_tokens=False)["input_ids"])


@pytest.fixture(scope="module")
def filler(sentences):
    return CountedFiller(["Hi.", *sentences], TOKENIZER)


@pytest.mark.parametrize("length", [700, 1001, 5000])
def test_the_budget_is_met_but_for_a_blank_where_it_ends(filler, milk_story, length):
    """Every line is counted with the blank before it; a blank at the end of the last is dropped."""
    for seed in range(8):
        diluted = dilute_to_tokens(milk_story, filler, length, seed)
        missing = length - PROMPT_TOKENS - num_tokens(" " + " ".join(diluted.lines))
        assert missing in (0, 1)


def test_all_filler_but_the_last_line_is_whole_and_in_a_circle(filler, milk_story, sentences):
    diluted = dilute_to_tokens(milk_story, filler, 6000, 3)
    lines = [line for line in diluted.lines if line not in milk_story.lines]
    numbers = [sentences.index(line) for line in lines[:-1]]
    assert all((after - before) % 40 == 1 for before, after in pairwise(numbers))
    assert sentences[(numbers[-1] + 1) % 40].startswith(lines[-1])
    assert len(numbers) > 40
    assert [diluted.lines[new] for new in diluted.support] == [milk_story.lines[old] for old in milk_story.support]


def test_short_sentences_are_not_used(filler, milk_story):
    assert "Hi." not in dilute_to_tokens(milk_story, filler, 9000, 0).lines


def test_no_tokens_or_just_the_room_leave_the_story_as_it_is(filler, milk_story):
    facts = sum(num_tokens(f" {line}") for line in milk_story.lines)
    assert dilute_to_tokens(milk_story, filler, 0, 1) == milk_story
    assert dilute_to_tokens(milk_story, filler, PROMPT_TOKENS + facts, 1) == milk_story


def test_stories_of_a_set_differ_and_do_not_depend_on_one_another(filler):
    told = list(where_is_object(4, most_facts=10))
    many = list(dilute_all_to_tokens([told[0], *told], filler, 2000, seed=2))
    assert many[0] != many[1]
    assert list(dilute_all_to_tokens(told[:1], filler, 2000, seed=2)) == many[:1]


def test_too_few_tokens_are_named(filler, milk_story):
    with pytest.raises(ValueError, match=r"`num_tokens` must be 0 or at least \d+ for this story \(300 of them"):
        dilute_to_tokens(milk_story, filler, 300, 0)


def test_filler_of_short_sentences_alone_is_refused():
    with pytest.raises(ValueError, match="none of the 1 sentences of filler has 10 tokens"):
        CountedFiller(["a a."], TOKENIZER)
