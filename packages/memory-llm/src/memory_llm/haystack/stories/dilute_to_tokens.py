"""Stories among sentences of a book, up to a length in tokens that leaves room for a prompt."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.stories.dilute import Place, scatter, seed_of
from memory_llm.haystack.stories.story import Story
from memory_llm.haystack.token_offsets import token_starts

PROMPT_TOKENS = 300
"""Left free for instruction, examples and question."""
LEAST_TOKENS = 10
"""Sentences of fewer tokens are not used."""


class CountedFiller:
    """Sentences of a book, each with its number of tokens.

    Args:
        sentences: In the order of the book.
        tokenizer: Whose tokens are counted; it must be a fast one.

    Raises:
        ValueError: If no sentence has ten tokens or more, or the tokenizer gives no offsets.
    """

    def __init__(self, sentences: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        counts = [self.count(sentence) for sentence in sentences]
        self.sentences = [one for one, count in zip(sentences, counts, strict=True) if count >= LEAST_TOKENS]
        self._counts = np.array([count for count in counts if count >= LEAST_TOKENS], dtype=np.int64)
        if not self.sentences:
            raise ValueError(
                f"none of the {len(sentences)} sentences of filler has {LEAST_TOKENS} tokens; give others, or allow "
                "longer ones."
            )

    def count(self, sentence: str) -> int:
        """Tokens of a sentence inside a text."""
        return len(token_starts(f" {sentence}", self.tokenizer))

    def draw(self, num_tokens: int, rng: np.random.Generator) -> list[str]:
        """Consecutive sentences from a random one on, in a circle; the last is cut, so that all have ``num_tokens``.

        They have one fewer where the cut leaves a blank behind, which is dropped.
        """
        if num_tokens < 1:
            return []
        first = int(rng.integers(len(self.sentences)))
        readings = num_tokens // int(self._counts.sum()) + 1
        ends = np.cumsum(np.tile(np.roll(self._counts, -first), readings))
        last = int(np.searchsorted(ends, num_tokens))
        drawn = [self.sentences[(first + number) % len(self.sentences)] for number in range(last + 1)]
        excess = int(ends[last]) - num_tokens
        if excess:
            drawn[-1] = self._without_end(drawn[-1], excess)
        return [sentence for sentence in drawn if sentence]

    def _without_end(self, sentence: str, num_tokens: int) -> str:
        text = f" {sentence}"
        return text[: token_starts(text, self.tokenizer)[-num_tokens]].strip()


def dilute_to_tokens(
    story: Story, filler: CountedFiller, num_tokens: int, seed: int, *, place: Place = "spread"
) -> Story:
    """The story among sentences of filler, so that a prompt with it has ``num_tokens``.

    Filler gets ``num_tokens`` less 300 for the prompt less the tokens of the story's lines. The last sentence of filler
    is cut to fit, so that in one text it runs into a line of the story that comes behind it.

    Args:
        story: Of which all lines are kept, in their order; support is numbered anew.
        filler: Sentences, counted once for all stories.
        num_tokens: Of context and prompt together; 0 gives the story itself.
        seed: Not negative; of the stretch of filler and of the places.
        place: As for :func:`dilute`.

    Raises:
        ValueError: If the story and the prompt alone have more tokens.

    Source: BABILong (Kuratov et al. 2024). Differs: any tokenizer, any book; nothing but the last sentence is cut.
    """
    rng = np.random.default_rng(seed)
    if num_tokens == 0:
        return scatter(story, [], place, rng)
    taken = PROMPT_TOKENS + sum(map(filler.count, story.lines))
    if num_tokens < taken:
        raise ValueError(
            f"`num_tokens` must be 0 or at least {taken} for this story ({PROMPT_TOKENS} of them for the prompt), got "
            f"{num_tokens}; ask for more, or for stories of fewer lines."
        )
    return scatter(story, filler.draw(num_tokens - taken, rng), place, rng)


def dilute_all_to_tokens(
    stories: Iterable[Story], filler: CountedFiller, num_tokens: int, *, seed: int = 0, place: Place = "spread"
) -> Iterator[Story]:
    """Every story diluted (:func:`dilute_to_tokens`), each with a seed made of ``seed`` and its number."""
    for number, story in enumerate(stories):
        yield dilute_to_tokens(story, filler, num_tokens, seed_of(seed, number), place=place)
