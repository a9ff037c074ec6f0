"""Shifted stories are the same stories with other places."""

import pytest

from memory_llm.haystack.stories import (
    LOCATIONS,
    SHIFTED_LOCATIONS,
    UNSEEN_LOCATIONS,
    Story,
    replace_words,
    shift_locations,
    where_is_actor,
    where_is_object,
)


@pytest.mark.parametrize(("grade", "names"), [("all", SHIFTED_LOCATIONS), ("unseen", UNSEEN_LOCATIONS)])
@pytest.mark.parametrize("task", [where_is_actor, where_is_object])
def test_shifted_stories_are_those_of_a_world_with_these_places(task, grade, names):
    assert shift_locations(task(60), grade) == list(task(60, locations=names))


def test_half_of_the_places_keep_their_names():
    shifted = shift_locations(where_is_actor(300), "half")
    assert {story.answer for story in shifted} == {*SHIFTED_LOCATIONS[:3], *LOCATIONS[3:]}


def test_no_word_belongs_to_two_of_the_lists():
    words = (*LOCATIONS, *SHIFTED_LOCATIONS, *UNSEEN_LOCATIONS)
    assert len(set(words)) == 18


def test_whole_words_are_replaced_everywhere():
    story = Story(lines=("The gardener left the garden.",), question="Is it the garden?", answer="garden", support=(0,))
    expected = Story(lines=("The gardener left the park.",), question="Is it the park?", answer="park", support=(0,))
    assert replace_words(story, {"garden": "park", "park": "garden"}) == expected
    assert replace_words(expected, {"garden": "park", "park": "garden"}) == story


def test_a_story_of_other_places_is_named(milk_story):
    other = replace_words(milk_story, {"garden": "moon"})
    with pytest.raises(ValueError, match="story 1: the answer 'moon' is none of bedroom, kitchen"):
        shift_locations([milk_story, other], "all")
