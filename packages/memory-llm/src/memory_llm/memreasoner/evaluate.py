"""How often answers, and the lines that hops read, are right."""

from collections.abc import Sequence
from dataclasses import dataclass

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.answering import answer_stories
from memory_llm.memreasoner.model import MemReasonerForQA


@dataclass(frozen=True, kw_only=True)
class StoryScores:
    """Shares of right answers and right lines.

    Attributes:
        num_stories: Asked.
        exact_match: Share of answers that are the wanted words, in any case and with any white space between.
        hop_accuracy: For each hop, the share of stories, among those that label it, whose line it reads most.
    """

    num_stories: int
    exact_match: float
    hop_accuracy: tuple[float, ...]


def evaluate_memreasoner(
    model: MemReasonerForQA, stories: Sequence[Story], *, batch_size: int = 64, max_new_tokens: int = 8
) -> StoryScores:
    """Ask a model stories.

    Args:
        model: In eval mode, with its processor.
        stories: With support, if hops are to be judged.
        batch_size: Stories at once.
        max_new_tokens: Longest answer.

    Raises:
        ValueError: If there are no stories.
    """
    if not stories:
        raise ValueError("`stories` is empty; there is nothing to judge by.")
    found = list(answer_stories(model, stories, batch_size=batch_size, max_new_tokens=max_new_tokens))
    right = [_same(one.text, story.answer) for one, story in zip(found, stories, strict=True)]
    hops = max(len(story.support) for story in stories)
    labelled = [
        [
            one.lines[hop] == story.support[hop]
            for one, story in zip(found, stories, strict=True)
            if _has(one.lines, story, hop)
        ]
        for hop in range(hops)
    ]
    return StoryScores(
        num_stories=len(stories),
        exact_match=sum(right) / len(right),
        hop_accuracy=tuple(sum(hits) / len(hits) for hits in labelled if hits),
    )


def _has(lines: Sequence[int], story: Story, hop: int) -> bool:
    return hop < len(story.support) and hop < len(lines)


def _same(found: str, wanted: str) -> bool:
    return found.casefold().split() == wanted.casefold().split()
