"""What all baselines have in common: they read a whole story and name one word."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.baselines.encoding import EncodedStory, Sample, StoryEncoder


class Baseline(nn.Module, ABC):
    """A model that answers questions about stories by one word of its vocabulary.

    ``forward`` takes a batch made by :meth:`collate` and returns ``answer_loss`` and, where the model has them,
    ``text_loss`` (language modelling of the stories) and ``auxiliary_loss`` (of the auxiliary lines), in nats.

    Args:
        tokenizer: Of whole words; its vocabulary is what can be answered.
        settings: What the model was made with, for saving it.

    Attributes:
        name: In registry and tables.
        learning_rate: Of training, as the next two, unless others are given.
        text_weight: Of ``text_loss``.
        curriculum_steps: From the shortest stories to all.
        most_tokens: Tokens, padding included, that are read together when questions are answered; one story may have
            more.
    """

    name: ClassVar[str]
    learning_rate: ClassVar[float] = 3e-3
    text_weight: ClassVar[float] = 0.1
    curriculum_steps: ClassVar[int] = 0
    most_tokens: ClassVar[int] = 8192

    def __init__(self, tokenizer: PreTrainedTokenizerBase, **settings: int):
        super().__init__()
        self.tokenizer, self.settings = tokenizer, settings
        self.encoder = StoryEncoder(tokenizer)

    @abstractmethod
    def collate(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """A batch for ``forward``."""

    @abstractmethod
    def answer_logits(self, stories: Sequence[EncodedStory]) -> Float[Tensor, "stories vocabulary"]:
        """Of the answer's word, each story read in full."""

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @torch.no_grad()
    def answer(self, stories: Sequence[Story]) -> list[str]:
        """The likeliest word of the vocabulary for each story.

        Stories are read in groups of similar length, so that memory depends on the longest story and not on their
        number.
        """
        training = self.training
        self.eval()
        encoded = [self.encoder.story(story) for story in stories]
        answers = [""] * len(stories)
        for group in self._groups(encoded):
            best = self.answer_logits([encoded[number] for number in group]).argmax(-1).tolist()
            for number, token in zip(group, best, strict=True):
                answers[number] = str(self.tokenizer.convert_ids_to_tokens(token))
        self.train(training)
        return answers

    def num_parameters(self, *, embeddings: bool = False) -> int:
        """Trained numbers; without tables of words and lines unless ``embeddings``."""
        tables = {id(part.weight) for part in self.modules() if isinstance(part, nn.Embedding)}
        return sum(part.numel() for part in self.parameters() if embeddings or id(part) not in tables)

    def _groups(self, encoded: Sequence[EncodedStory]) -> Iterator[list[int]]:
        group: list[int] = []
        for number in sorted(range(len(encoded)), key=lambda each: encoded[each].num_tokens):
            if group and encoded[number].num_tokens * (len(group) + 1) > self.most_tokens:
                yield group
                group = []
            group.append(number)
        if group:
            yield group
