"""What a story tells implies its answer and its support, and stories are drawn as the rules say."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from memory_llm.haystack.stories import LOCATIONS, where_is_actor, where_is_object
from memory_llm.haystack.stories.babi_world import ACTORS, World

MOVE = re.compile(r"(\w+) (?:went to|went back to|journeyed to|travelled to|moved to) the (\w+)\.")
GET = re.compile(r"(\w+) (?:grabbed|took|got|picked up) the (\w+) there\.")
DROP = re.compile(r"(\w+) (?:dropped|put down|discarded|left) the (\w+)(?: there)?\.")
TASKS = pytest.mark.parametrize("task", [where_is_actor, where_is_object])


def read_story(lines):
    """Where everybody is and who holds what, each with the line that tells, from the lines alone."""
    places, holders = {}, {}
    for number, line in enumerate(lines):
        if found := MOVE.fullmatch(line):
            assert places.get(found[1], (None,))[0] != found[2], "nobody moves to where he or she is"
            places[found[1]] = (found[2], number)
        elif found := GET.fullmatch(line):
            assert found[2] not in holders
            holders[found[2]] = (found[1], number)
        else:
            found = DROP.fullmatch(line)
            assert holders.pop(found[2])[0] == found[1], "only the holder puts a thing down"
    return places, holders


def test_an_actor_is_where_the_last_move_led():
    for story in where_is_actor(200, seed=3):
        asked = re.fullmatch(r"Where is (\w+)\?", story.question)[1]
        place, line = read_story(story.lines)[0][asked]
        assert (story.answer, story.support) == (place, (line,))


def test_an_object_is_where_its_holder_is_and_the_taking_is_the_first_hop():
    for story in where_is_object(200, seed=3):
        asked = re.fullmatch(r"Where is the (\w+)\?", story.question)[1]
        places, holders = read_story(story.lines)
        holder, taken = holders[asked]
        place, moved = places[holder]
        assert (story.answer, story.support) == (place, (taken, moved))


def test_task_1_asks_after_every_second_move():
    assert [len(story.lines) for story in where_is_actor(10)] == [2, 4, 6, 8, 10] * 2


def test_task_2_asks_after_three_statements_or_more():
    lengths = [len(story.lines) for story in where_is_object(250)]
    for first in range(0, 250, 5):
        world = [0, *lengths[first : first + 5]]
        assert min(after - before for before, after in pairwise(world)) >= 3
    gaps = Counter(after - before for before, after in pairwise([0, *lengths]) if after > before)
    assert gaps[3] == max(gaps.values())


def test_a_third_of_what_happens_in_task_2_is_a_move():
    """Some 5,000 lines give a standard error of 0.007; more moves come only where nothing else is valid."""
    lines = [line for story in list(where_is_object(800))[4::5] for line in story.lines]
    share = sum(bool(MOVE.fullmatch(line)) for line in lines) / len(lines)
    assert len(lines) > 4_500
    assert share == pytest.approx(1 / 3, abs=0.03)


def test_actors_of_task_1_are_drawn_alike_and_so_are_places_but_the_one_they_leave():
    """Nothing lies four standard deviations from what the draw gives on average."""
    worlds = [story.lines for story in list(where_is_actor(2500))[4::5]]
    moves = [[MOVE.fullmatch(line).groups() for line in lines] for lines in worlds]
    actors = Counter(actor for world in moves for actor, _ in world)
    assert all(abs(actors[actor] - 1250) < 4 * 1250**0.5 for actor in ACTORS)
    ways = Counter(
        way for world in moves for one in ACTORS for way in pairwise(place for actor, place in world if actor == one)
    )
    for left in LOCATIONS:
        counts = [ways[left, place] for place in LOCATIONS if place != left]
        expected = sum(counts) / 5
        assert expected > 80
        assert all(abs(count - expected) < 4 * expected**0.5 for count in counts)


def test_often_the_move_comes_before_the_taking():
    stories = list(where_is_object(250, most_facts=10))
    share = sum(story.support[1] < story.support[0] for story in stories) / len(stories)
    assert 0.35 < share < 0.55


@TASKS
def test_a_story_is_the_same_whatever_the_count_and_another_with_another_seed(task):
    assert list(task(7, seed=1)) == list(task(23, seed=1))[:7]
    assert list(task(7, seed=1)) != list(task(7, seed=2))


@TASKS
def test_the_limit_of_facts_leaves_out_longer_stories_and_nothing_else(task):
    short = list(task(10, most_facts=6))
    assert short == [story for story in task(300) if len(story.lines) <= 6][:10]


@TASKS
def test_other_places_take_the_parts_of_the_six(task):
    places = ("library", "cinema", "garage", "attic", "school", "park")
    names = dict(zip(LOCATIONS, places, strict=True))

    def renamed(text):
        return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), text)

    expected = [(tuple(map(renamed, story.lines)), renamed(story.answer), story.support) for story in task(50)]
    assert [(story.lines, story.answer, story.support) for story in task(50, locations=places)] == expected


@TASKS
def test_two_places_are_enough(task):
    assert {story.answer for story in task(100, locations=("here", "elsewhere"))} == {"here", "elsewhere"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "`count` must be at least 1, got 0"),
        ({"count": 1, "most_facts": 1}, "`most_facts` must be at least [23] in this task, got 1"),
        ({"count": 1, "locations": ("here",)}, "`locations` must be two different names or more, got here"),
        ({"count": 1, "locations": ("a", "a")}, "`locations` must be two different names or more, got a, a"),
        ({"count": 1, "locations": ("a", "living room")}, "`locations` must be single words, got 'living room'"),
    ],
)
@TASKS
def test_bad_arguments_are_named_before_the_first_story(task, arguments, message):
    with pytest.raises(ValueError, match=message):
        task(**arguments)


def test_the_world_moves_what_is_held():
    world = World()
    assert world.can_get("John", "apple")
    assert not world.can_get("Mary", "apple")
    world.get("John", "apple")
    assert not world.can_get("John", "apple")
    assert not world.can_drop("Mary", "apple")
    world.move("John", "office")
    world.drop("John", "apple")
    assert world.places["apple"] == "office"
    world.move("Mary", "office")
    assert world.can_get("Mary", "apple")
