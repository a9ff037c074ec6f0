"""Stories whose lines are scattered among sentences of a book, in their order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Int

from memory_llm.haystack.stories.story import Story

Place = Literal["spread", "clustered", "ends"]


def dilute(story: Story, filler_lines: Sequence[str], num_lines: int, seed: int, *, place: Place = "spread") -> Story:
    """The story's lines among consecutive lines of filler that begin at a random one.

    Args:
        story: Of which all lines are kept, in their order; support is numbered anew.
        filler_lines: Read in a circle: after the last comes the first.
        num_lines: Of filler that are put in; 0 gives the story itself.
        seed: Not negative; of the stretch of filler and of the places.
        place: "spread" draws a gap between lines of filler for each line of the story, all gaps alike, and one may be
            drawn twice; "clustered" puts the story into one random gap; "ends" puts its first half, the middle line
            included, before all filler and the rest behind.

    Raises:
        ValueError: If an argument is out of its range, or there is no filler to take.

    Source: BABILong (Kuratov et al. 2024) for "spread". Differs: counts lines; see :func:`dilute_to_tokens` for tokens.
    """
    if num_lines < 0:
        raise ValueError(f"`num_lines` must not be negative, got {num_lines}.")
    rng = np.random.default_rng(seed)
    return scatter(story, consecutive(filler_lines, num_lines, rng), place, rng)


def dilute_all(
    stories: Iterable[Story], filler_lines: Sequence[str], num_lines: int, *, seed: int = 0, place: Place = "spread"
) -> Iterator[Story]:
    """Every story diluted (:func:`dilute`), each with a seed made of ``seed`` and its number."""
    for number, story in enumerate(stories):
        yield dilute(story, filler_lines, num_lines, seed_of(seed, number), place=place)


def seed_of(seed: int, number: int) -> int:
    """The seed of story ``number`` in a set of a seed."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def consecutive(filler_lines: Sequence[str], num_lines: int, rng: np.random.Generator) -> list[str]:
    """So many lines of filler, from a random one on, in a circle."""
    if num_lines and not filler_lines:
        raise ValueError(f"`filler_lines` must hold a line for {num_lines} to be put in, got none.")
    if not num_lines:
        return []
    first = int(rng.integers(len(filler_lines)))
    readings = -(-(first + num_lines) // len(filler_lines))
    circle = filler_lines if readings == 1 else list(filler_lines) * readings
    return list(circle[first : first + num_lines])


def scatter(story: Story, background: Sequence[str], place: Place, rng: np.random.Generator) -> Story:
    """The story's lines in gaps of the background, in their order; see :func:`dilute`."""
    gaps = _gaps(place, len(story.lines), len(background), rng)
    lines: list[str] = []
    taken = 0
    for fact, gap in zip(story.lines, gaps.tolist(), strict=True):
        lines += background[taken:gap]
        lines.append(fact)
        taken = gap
    lines += background[taken:]
    # Before fact i stand the lines of background before its gap, and i facts.
    support = tuple(int(gaps[number]) + number for number in story.support)
    return replace(story, lines=tuple(lines), support=support)


def _gaps(place: Place, num_facts: int, num_lines: int, rng: np.random.Generator) -> Int[np.ndarray, " facts"]:
    """Lines of background before each fact, never decreasing."""
    if place == "spread":
        return np.sort(rng.integers(num_lines + 1, size=num_facts))
    if place == "clustered":
        return np.full(num_facts, rng.integers(num_lines + 1))
    if place == "ends":
        return np.where(np.arange(num_facts) < (num_facts + 1) // 2, 0, num_lines)
    raise ValueError(f"`place` must be 'spread', 'clustered' or 'ends', got {place!r}.")
