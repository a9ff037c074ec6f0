"""Stories as numbers: the tokens of their lines and questions, and the one word of their answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.stories import Story

Tokens = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EncodedStory:
    """A story in tokens.

    Attributes:
        lines: Of each line.
        question: Of the question.
    """

    lines: tuple[Tokens, ...]
    question: Tokens

    @property
    def num_tokens(self) -> int:
        """Of lines and question together."""
        return sum(map(len, self.lines)) + len(self.question)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a baseline is trained on at a time.

    Attributes:
        story: Lines and question.
        answer: Token of the answer.
        auxiliary: Tokens of a further line to model; none where a run has no such lines.
        step: Of the run in which it is used, 0-based and to a few steps; for curricula.
        seed: Of what a model draws for it in training.
    """

    story: EncodedStory
    answer: int
    auxiliary: Tokens = ()
    step: int = 0
    seed: int = 0


class StoryEncoder:
    """Turns stories into tokens and remembers lines that come again and again.

    Args:
        tokenizer: Of whole words.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self._known: dict[str, Tokens] = {}

    def line(self, text: str) -> Tokens:
        """Tokens of a line or a question.

        Raises:
            ValueError: If it has none.
        """
        if text not in self._known:
            self._known[text] = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        if not self._known[text]:
            raise ValueError(f"a line or a question without words, got {text!r}; leave it out.")
        return self._known[text]

    def story(self, story: Story) -> EncodedStory:
        """Tokens of lines and question.

        Raises:
            ValueError: If there are no lines, or one has no words.
        """
        if not story.lines:
            raise ValueError(f"the story of {story.question!r} has no lines; give at least one.")
        return EncodedStory(lines=tuple(map(self.line, story.lines)), question=self.line(story.question))

    def answer(self, story: Story) -> int:
        """The token of an answer.

        Raises:
            ValueError: If it is not exactly one known word.
        """
        tokens = self.line(story.answer)
        if len(tokens) != 1 or tokens[0] == self.tokenizer.unk_token_id:
            raise ValueError(
                f"the answer to {story.question!r} must be one word of the vocabulary, got {story.answer!r}; baselines "
                "are asked for one word, so make the tokenizer of texts that hold it, or leave the story out."
            )
        return tokens[0]


def padded(rows: Sequence[Sequence[int]], fill: int = 0) -> Int[Tensor, "rows tokens"]:
    """Rows of numbers, filled up on the right."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
