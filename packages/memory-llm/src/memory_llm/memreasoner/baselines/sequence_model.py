"""Baselines that read a story as one sequence of tokens and say the answer after it."""

import random
from abc import abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.base import Baseline
from memory_llm.memreasoner.baselines.encoding import EncodedStory, Sample, Tokens, padded
from memory_llm.training.rank_mean import mean_over_ranks

LINES_TOGETHER = 4


class SequenceModel(Baseline):
    """A causal model of tokens: beginning, lines, question, and then the answer's word.

    Rows are padded on the right. What a causal model says of a token does not depend on later ones, so that padding
    needs no mask. The table of words is used for input and output.

    Auxiliary lines are modelled four at a time, and then once more in another order: to tell a line again means to find
    it. MemReasoner's counterpart, on the same lines, is to decode a line from its own latent.

    Args:
        tokenizer: Of whole words.
        width: Of a token's vector.
        settings: Further ones, for saving the model.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, width: int, **settings: int):
        super().__init__(tokenizer, width=width, **settings)
        self.words = nn.Embedding(len(tokenizer), width)
        nn.init.normal_(self.words.weight, std=width**-0.5)

    @abstractmethod
    def hidden(self, vectors: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows tokens width"]:
        """States from which the next token is told, from the vectors of tokens."""

    def sequence(self, story: EncodedStory) -> Tokens:
        """Beginning, lines and question."""
        return (self.tokenizer.bos_token_id, *(token for line in story.lines for token in line), *story.question)

    def collate(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Tokens padded on the right with their lengths, answers, and auxiliary lines if the samples have them."""
        batch = padded_rows([self.sequence(sample.story) for sample in samples])
        batch["answers"] = torch.tensor([sample.answer for sample in samples])
        if all(sample.auxiliary for sample in samples):
            groups = [samples[start : start + LINES_TOGETHER] for start in range(0, len(samples), LINES_TOGETHER)]
            lines = padded_rows([self._twice(group) for group in groups])
            batch |= {f"auxiliary_{name}": part for name, part in lines.items()}
        return batch

    def _twice(self, samples: Sequence[Sample]) -> Tokens:
        lines = [sample.auxiliary for sample in samples]
        again = random.Random(samples[0].seed).sample(lines, len(lines))
        return (self.tokenizer.bos_token_id, *(token for line in (*lines, *again) for token in line))

    def forward(
        self,
        input_ids: Int[Tensor, "rows tokens"],
        lengths: Int[Tensor, " rows"],
        answers: Int[Tensor, " rows"],
        auxiliary_input_ids: Int[Tensor, "auxiliary_rows auxiliary_tokens"] | None = None,
        auxiliary_lengths: Int[Tensor, " auxiliary_rows"] | None = None,
    ) -> dict[str, Tensor]:
        """Losses of answers, of the stories' tokens and of auxiliary lines, each a mean over its tokens."""
        states = self.hidden(self.words(input_ids))
        return self.losses(states, input_ids, lengths, answers, auxiliary_input_ids, auxiliary_lengths)

    def losses(
        self,
        states: Float[Tensor, "rows tokens width"],
        input_ids: Int[Tensor, "rows tokens"],
        lengths: Int[Tensor, " rows"],
        answers: Int[Tensor, " rows"],
        auxiliary_input_ids: Int[Tensor, "auxiliary_rows auxiliary_tokens"] | None,
        auxiliary_lengths: Int[Tensor, " auxiliary_rows"] | None,
    ) -> dict[str, Tensor]:
        """What ``forward`` returns, from the states of the stories' tokens."""
        logits = self.logits(last_states(states, lengths))
        losses = {
            "answer_loss": mean_over_ranks(nn.functional.cross_entropy(logits, answers, reduction="none")),
            "text_loss": self.text_loss(states, input_ids, lengths),
        }
        if auxiliary_input_ids is not None and auxiliary_lengths is not None:
            states = self.hidden(self.words(auxiliary_input_ids))
            losses["auxiliary_loss"] = self.text_loss(states, auxiliary_input_ids, auxiliary_lengths)
        return losses

    def answer_logits(self, stories: Sequence[EncodedStory]) -> Float[Tensor, "stories vocabulary"]:
        """Logits at the last token of the question alone."""
        rows = padded_rows([self.sequence(story) for story in stories])
        states = self.hidden(self.words(rows["input_ids"].to(self.device)))
        return self.logits(last_states(states, rows["lengths"].to(self.device)))

    def logits(self, states: Float[Tensor, "*states width"]) -> Float[Tensor, "*states vocabulary"]:
        """Of the next word."""
        return states @ self.words.weight.mT

    def text_loss(
        self,
        states: Float[Tensor, "rows tokens width"],
        input_ids: Int[Tensor, "rows tokens"],
        lengths: Int[Tensor, " rows"],
    ) -> Float[Tensor, ""]:
        """Cross-entropy of each token after the first, from the state before it."""
        real = torch.arange(1, input_ids.shape[1], device=lengths.device) < lengths[:, None]
        logits = self.logits(states[:, :-1][real])
        return mean_over_ranks(nn.functional.cross_entropy(logits, input_ids[:, 1:][real], reduction="none"))


def padded_rows(rows: Sequence[Tokens]) -> dict[str, Tensor]:
    """``input_ids`` padded on the right, and their ``lengths``."""
    return {"input_ids": padded(rows), "lengths": torch.tensor([len(row) for row in rows])}


def last_states(
    states: Float[Tensor, "rows tokens width"], lengths: Int[Tensor, " rows"]
) -> Float[Tensor, "rows width"]:
    """The state of each row's last token."""
    return states[torch.arange(len(lengths), device=lengths.device), lengths - 1]
