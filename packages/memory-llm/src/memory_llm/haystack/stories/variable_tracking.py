"""Variable tracking: variables that take their value from one another, among chains of others that do the same."""

import random
from collections.abc import Iterator, Sequence
from typing import Literal

from memory_llm.haystack.stories.story import Story

NUM_NAMES = 100
FIVE_DIGITS = range(10_000, 100_000)
Asked = Literal["value", "variables"]


def variable_tracking(
    count: int,
    *,
    seed: int = 0,
    num_chains: int = 10,
    num_hops: int = 2,
    asked: Asked = "value",
    values: Sequence[int] = FIVE_DIGITS,
) -> Iterator[Story]:
    """Stories of chains ``VAR X1 = 12345.``, ``VAR X2 = VAR X1.``, …, whose lines are mixed, each chain in its order.

    Story i is the same whatever the count. Names are ``X1`` to ``X100``, drawn anew for each story, so that a name says
    nothing about its place in a chain.

    Args:
        count: Stories.
        seed: Of all that is random.
        num_chains: With the one that is asked for; all have a value of their own.
        num_hops: Lines of a chain, and lines needed for an answer.
        asked: "value" asks for that of the last variable of a chain; support runs from its line back to the number.
            "variables" asks for all that have a value; the answer names them with blanks between, and support runs from
            the number on.
        values: To draw from; fewer than all numbers of five digits leave some for other stories.

    Raises:
        ValueError: If an argument is out of its range, or there are too few names or values.

    Source:
        The form of RULER's variable tracking (Hsieh et al. 2024). Differs: sentences end in a full stop; names are from
        a small set; and a chain of h lines counts as h hops, the reads of a memory, where RULER counts h - 1
        references.
    """
    if min(count, num_chains, num_hops) < 1:
        raise ValueError(
            f"`count`, `num_chains` and `num_hops` must be at least 1, got {count}, {num_chains} and {num_hops}."
        )
    if asked not in ("value", "variables"):
        raise ValueError(f"`asked` must be 'value' or 'variables', got {asked!r}.")
    if num_chains * num_hops > NUM_NAMES:
        raise ValueError(
            f"{num_chains} chains of {num_hops} lines need {num_chains * num_hops} names, but there are {NUM_NAMES}; "
            "ask for fewer or shorter ones."
        )
    if len(set(values)) < num_chains:
        raise ValueError(f"`values` must hold {num_chains} different ones, one a chain, got {len(set(values))}.")
    drawn = (random.Random(f"{seed} {number}") for number in range(count))
    return (_story(rng, num_chains, num_hops, asked, values) for rng in drawn)


def _story(rng: random.Random, num_chains: int, num_hops: int, asked: Asked, values: Sequence[int]) -> Story:
    names = [f"X{number}" for number in rng.sample(range(1, NUM_NAMES + 1), num_chains * num_hops)]
    chains = [names[first : first + num_hops] for first in range(0, len(names), num_hops)]
    # A range is drawn from as it is; of a list that repeats a value, the value may come once.
    different = values if isinstance(values, range) else sorted(set(values))
    numbers = rng.sample(different, num_chains)
    turns = [chain for chain in range(num_chains) for _ in range(num_hops)]
    rng.shuffle(turns)
    told = [0] * num_chains
    lines: list[str] = []
    support: list[int] = []
    wanted = rng.randrange(num_chains)
    for chain in turns:
        link = told[chain]
        source = f"VAR {chains[chain][link - 1]}" if link else str(numbers[chain])
        if chain == wanted:
            support.append(len(lines))
        lines.append(f"VAR {chains[chain][link]} = {source}.")
        told[chain] += 1
    if asked == "value":
        question, answer = f"What is the value of VAR {chains[wanted][-1]}?", str(numbers[wanted])
        support.reverse()
    else:
        question, answer = f"Which variables have the value {numbers[wanted]}?", " ".join(chains[wanted])
    return Story(lines=tuple(lines), question=question, answer=answer, support=tuple(support))
