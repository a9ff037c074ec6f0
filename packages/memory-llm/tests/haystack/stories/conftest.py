"""Stories told by hand, and a book whose sentences differ."""

import pytest

from memory_llm.haystack.stories import Story


@pytest.fixture(scope="session")
def milk_story():
    """Two hops, of which the second happened first."""
    lines = ("Mary went to the garden.", "John moved to the office.", "Mary took the milk there.")
    return Story(lines=lines, question="Where is the milk?", answer="garden", support=(2, 0))


@pytest.fixture(scope="session")
def sentences():
    return [f"Sentence {number} speaks of rain and of nothing else today." for number in range(40)]
