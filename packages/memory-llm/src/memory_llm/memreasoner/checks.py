"""Whether lines and labels can be what they say."""

import re
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.losses import UNLABELLED

_WORD = re.compile(r"\w+")


def check_lines(
    config: MemReasonerConfig,
    line_mask: Bool[Tensor, "batch lines"],
    supporting_facts: Int[Tensor, "batch labelled"] | None = None,
) -> None:
    """See to it that every row has lines and every label is one of them.

    Raises:
        ValueError: If not; the message names the row (0-based).
    """
    num_lines = line_mask.shape[1]
    if not num_lines:
        raise ValueError("`line_mask` has no lines; a question needs at least one line of context.")
    if num_lines > config.max_lines:
        raise ValueError(
            f"a row has {num_lines} lines, but `max_lines` is {config.max_lines}; shorten the context or raise it in the "
            "config."
        )
    empty = ~line_mask.any(1)
    if bool(empty.any()):
        raise ValueError(
            f"row {int(empty.nonzero()[0])} of `line_mask` masks all lines; drop the row or unmask what it is about."
        )
    if supporting_facts is None:
        return
    labelled = supporting_facts != UNLABELLED
    hops = int((labelled.any(0).nonzero().amax() + 1) if bool(labelled.any()) else 0)
    if hops > config.num_hops:
        raise ValueError(
            f"`supporting_facts` labels {hops} hops, but `num_hops` is {config.num_hops}; raise it in the config or leave "
            "the labels of later hops out."
        )
    known = torch.where(labelled, supporting_facts, 0)
    wrong = (known < 0) | (known >= num_lines)
    wrong = wrong | ~line_mask.gather(1, known.clamp(0, num_lines - 1)) & labelled
    if bool(wrong.any()):
        row, hop = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"`supporting_facts` of row {row} names line {int(supporting_facts[row, hop])}, which is none of its lines; "
            "count from 0 and leave padding out."
        )


def check_answers(config: MemReasonerConfig, stories: Sequence[Story]) -> None:
    """See to it that one line can say each answer, where one line is all that the decoder gets.

    Raises:
        ValueError: If the words of an answer are all in a story's lines, but in no line together.
    """
    if config.readout == "topk":
        return
    for number, story in enumerate(stories):
        words = set(story.answer.lower().replace(",", " ").split())
        if len(words) < 2:
            continue
        held = [words & set(_WORD.findall(line.lower())) for line in story.lines]
        if words not in held and set().union(*held) == words:
            raise ValueError(
                f"the answer {story.answer!r} of story {number} lies in several lines, but `readout={config.readout!r}` "
                "gives the decoder one; use `readout='topk'`."
            )
