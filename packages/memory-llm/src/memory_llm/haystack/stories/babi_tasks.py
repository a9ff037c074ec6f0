"""Stories of bAbI's first two tasks, made by its rules: where somebody is, and where what somebody holds is."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, takewhile
from itertools import count as numbers

from memory_llm.haystack.stories.babi_world import ACTORS, LOCATIONS, OBJECTS, World
from memory_llm.haystack.stories.story import Story

QUESTIONS_PER_WORLD = 5
STATEMENTS_BEFORE_QUESTION = 3
_TRIES = 100
_MOVES = ("went to", "went back to", "journeyed to", "travelled to", "moved to")
_GETS = ("grabbed", "took", "got", "picked up")
_DROPS = ("dropped", "put down", "discarded", "left")
# Of the lines of the released files in which something is put down, 1,365 of 6,693 end in "there".
_SHARE_OF_THERE = 0.2


def where_is_actor(
    count: int, *, seed: int = 0, locations: Sequence[str] = LOCATIONS, most_facts: int | None = None
) -> Iterator[Story]:
    """Stories of task 1: people move, and one of them is asked for; the line of the last move tells.

    Each world is told in ten moves, with a question after every second one about somebody who has moved; so five
    stories in a row share their beginning. Story i is the same whatever the count.

    Args:
        count: Stories.
        seed: Of all that is random.
        locations: Names of the places; see :class:`World`.
        most_facts: Leave out stories of more lines, if given.

    Raises:
        ValueError: If there is no story of so few lines, or as in :class:`World`.

    Source:
        ``WhereIsActor`` of bAbI-tasks (Weston et al. 2015), the archived generator. Differs: words as in the released
        files v1.2. Those ask more often about who moved of late: the line needed is one of the last two in 74 % of
        their questions, in 64 % of ours.
    """
    return _stories(_tell_actors, count, seed, locations, most_facts, least_facts=2)


def where_is_object(
    count: int, *, seed: int = 0, locations: Sequence[str] = LOCATIONS, most_facts: int | None = None
) -> Iterator[Story]:
    """Stories of task 2: people move, take things and put them down, and one of the things is asked for.

    Asked is what somebody holds whose place was told. Support is the line in which it was taken, then the last move of
    the holder; either may come first in the story. Five stories in a row share their beginning.

    Args:
        count: Stories.
        seed: Of all that is random.
        locations: Names of the places; see :class:`World`.
        most_facts: Leave out stories of more lines, if given.

    Raises:
        ValueError: If there is no story of so few lines, or as in :class:`World`.

    Source:
        ``WhereIsObject`` of bAbI-tasks (Weston et al. 2015), the archived generator. Differs: words as in the released
        files v1.2. Those were made by other rules: things lie anywhere at the beginning, and most of the questions are
        about a thing that was put down. Take the files to train for them.
    """
    return _stories(_tell_objects, count, seed, locations, most_facts, least_facts=STATEMENTS_BEFORE_QUESTION)


class _Telling:
    """What happened in a world so far, line by line."""

    def __init__(self, rng: random.Random, locations: Sequence[str]) -> None:
        self.rng, self.world = rng, World(locations)
        self.lines: list[str] = []
        self.moved: dict[str, int] = {}
        """Line of the last move of an actor."""
        self.taken: dict[str, int] = {}
        """Line in which an object was taken last."""

    def move(self) -> None:
        actor = self.rng.choice(ACTORS)
        location = self.rng.choice([name for name in self.world.locations if name != self.world.places[actor]])
        self.world.move(actor, location)
        self.moved[actor] = len(self.lines)
        self.lines.append(f"{actor} {self.rng.choice(_MOVES)} the {location}.")

    def act(self) -> None:
        """A move with probability 1/3; else something is taken or put down, if a valid way is found."""
        while True:
            if self.rng.randrange(3) == 0:
                return self.move()
            for _ in range(_TRIES):
                act = self.rng.choice((self._get, self._drop))
                if act(self.rng.choice(ACTORS), self.rng.choice(OBJECTS)):
                    return None

    def ask(self, asked: str, answer: str, support: tuple[int, ...]) -> Story:
        return Story(lines=tuple(self.lines), question=f"Where is {asked}?", answer=answer, support=support)

    def _get(self, actor: str, thing: str) -> bool:
        if not self.world.can_get(actor, thing):
            return False
        self.world.get(actor, thing)
        self.taken[thing] = len(self.lines)
        self.lines.append(f"{actor} {self.rng.choice(_GETS)} the {thing} there.")
        return True

    def _drop(self, actor: str, thing: str) -> bool:
        if not self.world.can_drop(actor, thing):
            return False
        self.world.drop(actor, thing)
        there = " there" if self.rng.random() < _SHARE_OF_THERE else ""
        self.lines.append(f"{actor} {self.rng.choice(_DROPS)} the {thing}{there}.")
        return True


def _tell_actors(rng: random.Random, locations: Sequence[str]) -> Iterator[Story]:
    telling = _Telling(rng, locations)
    for _ in range(QUESTIONS_PER_WORLD):
        telling.move()
        telling.move()
        actor = rng.choice([name for name in ACTORS if name in telling.moved])
        yield telling.ask(actor, telling.world.places[actor], (telling.moved[actor],))


def _tell_objects(rng: random.Random, locations: Sequence[str]) -> Iterator[Story]:
    telling = _Telling(rng, locations)
    holders = telling.world.holders
    num_asked = num_statements = 0
    while num_asked < QUESTIONS_PER_WORLD:
        telling.act()
        num_statements += 1
        if num_statements < STATEMENTS_BEFORE_QUESTION or rng.random() < 0.5:
            continue
        known = [thing for thing in OBJECTS if holders.get(thing) in telling.moved]
        if known:
            thing = rng.choice(known)
            holder = holders[thing]
            support = (telling.taken[thing], telling.moved[holder])
            yield telling.ask(f"the {thing}", telling.world.places[holder], support)
            num_asked, num_statements = num_asked + 1, 0


def _stories(
    tell: Callable[[random.Random, Sequence[str]], Iterator[Story]],
    count: int,
    seed: int,
    locations: Sequence[str],
    most_facts: int | None,
    least_facts: int,
) -> Iterator[Story]:
    if count < 1:
        raise ValueError(f"`count` must be at least 1, got {count}.")
    if most_facts is not None and most_facts < least_facts:
        raise ValueError(f"`most_facts` must be at least {least_facts} in this task, got {most_facts}.")
    World(locations)  # names what is wrong before the first story is asked for
    worlds = (random.Random(f"{seed} {number}") for number in numbers())
    # The stories of a world grow: after the first that is too long, none is short enough.
    told = (
        takewhile(lambda story: most_facts is None or len(story.lines) <= most_facts, tell(rng, locations))
        for rng in worlds
    )
    return islice(chain.from_iterable(told), count)
