"""Stories whose places get names that were never an answer in training."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from memory_llm.haystack.stories.babi_world import LOCATIONS
from memory_llm.haystack.stories.story import Story

SHIFTED_LOCATIONS = ("library", "cinema", "garage", "attic", "school", "park")
"""Never an answer in training; a model may have met them as words, in autoencoding or in pretraining."""
UNSEEN_LOCATIONS = ("basement", "laundry", "nursery", "balcony", "bakery", "museum")
"""In no text of training at all; none of them is in the bundled Pride and Prejudice either."""
Grade = Literal["half", "all", "unseen"]


def shift_locations(stories: Iterable[Story], grade: Grade) -> list[Story]:
    """The stories with other places.

    Args:
        stories: Of bAbI, with its six locations.
        grade: "half" gives the first three locations the first three names of ``SHIFTED_LOCATIONS``; "all" replaces all
            six; "unseen" replaces them by ``UNSEEN_LOCATIONS``, which training must leave out.

    Raises:
        ValueError: If the grade is unknown, or an answer is none of the six locations.

    Source:
        The test of MemReasoner with other answer words (Das et al. 2025). Differs: the words are ours, since the
        paper's are not known.
    """
    names = _NEW_NAMES.get(grade)
    if names is None:
        raise ValueError(f"`grade` must be one of {', '.join(_NEW_NAMES)}, got {grade!r}.")
    shifted = []
    for number, story in enumerate(stories):
        if story.answer not in LOCATIONS:
            raise ValueError(
                f"story {number}: the answer {story.answer!r} is none of {', '.join(LOCATIONS)}; replace its words with "
                "`replace_words`."
            )
        shifted.append(replace_words(story, names))
    return shifted


def replace_words(story: Story, names: Mapping[str, str]) -> Story:
    """The story with whole words replaced in lines, question and answer; case counts."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")

    def renamed(text: str) -> str:
        return pattern.sub(lambda match: names[match[1]], text)

    return replace(
        story,
        lines=tuple(map(renamed, story.lines)),
        question=renamed(story.question),
        answer=renamed(story.answer),
    )


_NEW_NAMES: dict[str, dict[str, str]] = {
    "half": dict(zip(LOCATIONS[:3], SHIFTED_LOCATIONS[:3], strict=True)),
    "all": dict(zip(LOCATIONS, SHIFTED_LOCATIONS, strict=True)),
    "unseen": dict(zip(LOCATIONS, UNSEEN_LOCATIONS, strict=True)),
}
