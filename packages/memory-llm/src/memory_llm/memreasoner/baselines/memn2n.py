"""An end-to-end memory network: a question attends to the lines several times."""

import itertools
import random
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.base import Baseline
from memory_llm.memreasoner.baselines.encoding import EncodedStory, Sample, Tokens, padded
from memory_llm.training.rank_mean import mean_over_ranks


class MemN2NBaseline(Baseline):
    """Lines as bags of words with weights by place, and an age each; a few hops; no order within the network else.

    Tables of adjacent hops are shared: what a hop reads with is what the next one addresses with, the first also reads
    the question, and the last also tells the answer. It has no language model; of an auxiliary line it says the last
    word, with the whole line in memory and the words before it as the question.

    A line's age is the number of lines after it. In training ages are skipped at random, so that all of the table is
    learned though training stories are short. Lines older than the table share its last row: their order is lost.

    Args:
        tokenizer: Of whole words.
        width: Of a word's vector.
        num_hops: Times that the lines are attended to.
        num_ages: Rows of the table of ages.
        linear_steps: Training steps whose attention is without softmax ("linear start").

    Source: Sukhbaatar et al. 2015, with position encoding, temporal encoding and adjacent tying. Differs: the paper
    keeps the latest 50 lines, and adds a tenth of empty lines that can be attended to; ours keeps all, and what it
    skips is not there to be attended to.
    """

    name = "memn2n"

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        width: int = 64,
        num_hops: int = 3,
        num_ages: int = 128,
        linear_steps: int = 0,
    ):
        super().__init__(tokenizer, width=width, num_hops=num_hops, num_ages=num_ages, linear_steps=linear_steps)
        self.words = nn.ModuleList(nn.Embedding(len(tokenizer), width) for _ in range(num_hops + 1))
        self.ages = nn.ModuleList(nn.Embedding(num_ages, width) for _ in range(num_hops + 1))
        for table in (*self.words, *self.ages):
            nn.init.normal_(table.weight, std=0.1)
        self.num_ages, self.linear_steps = num_ages, linear_steps

    def collate(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Words of lines, ages, questions and answers, and whether attention is still linear."""
        batch = self._batch([sample.story for sample in samples], [self._skipping_ages(sample) for sample in samples])
        batch["answers"] = torch.tensor([sample.answer for sample in samples])
        batch["linear"] = torch.tensor([sample.step < self.linear_steps for sample in samples])
        if all(sample.auxiliary for sample in samples):
            clozes = [self._cloze(sample.auxiliary) for sample in samples]
            asked = self._batch([story for story, _ in clozes], [[0]] * len(clozes))
            batch |= {f"auxiliary_{name}": part for name, part in asked.items()}
            batch["auxiliary_answers"] = torch.tensor([word for _, word in clozes])
        return batch

    def forward(
        self,
        lines: Int[Tensor, "rows lines words"],
        ages: Int[Tensor, "rows lines"],
        questions: Int[Tensor, "rows question_words"],
        answers: Int[Tensor, " rows"],
        linear: Bool[Tensor, " rows"] | None = None,
        auxiliary_lines: Int[Tensor, "rows one auxiliary_words"] | None = None,
        auxiliary_ages: Int[Tensor, "rows one"] | None = None,
        auxiliary_questions: Int[Tensor, "rows auxiliary_question_words"] | None = None,
        auxiliary_answers: Int[Tensor, " rows"] | None = None,
    ) -> dict[str, Tensor]:
        """Losses of answers and of the last words of auxiliary lines."""
        logits = self.logits(lines, ages, questions, linear=linear is not None and bool(linear.all()))
        losses = {"answer_loss": _loss(logits, answers)}
        if (
            auxiliary_lines is not None
            and auxiliary_ages is not None
            and auxiliary_questions is not None
            and auxiliary_answers is not None
        ):
            logits = self.logits(auxiliary_lines, auxiliary_ages, auxiliary_questions)
            losses["auxiliary_loss"] = _loss(logits, auxiliary_answers)
        return losses

    def answer_logits(self, stories: Sequence[EncodedStory]) -> Float[Tensor, "stories vocabulary"]:
        batch = self._batch(stories, [range(len(story.lines))[::-1] for story in stories])
        lines, ages, questions = (batch[name].to(self.device) for name in ("lines", "ages", "questions"))
        return self.logits(lines, ages, questions)

    def logits(
        self,
        lines: Int[Tensor, "rows lines words"],
        ages: Int[Tensor, "rows lines"],
        questions: Int[Tensor, "rows question_words"],
        *,
        linear: bool = False,
    ) -> Float[Tensor, "rows vocabulary"]:
        """Of the answer's word.

        Args:
            lines: Words, padded by the tokenizer's padding.
            ages: Of lines; more than the table has is its last row. Lines without words are no lines.
            questions: Words.
            linear: Attend by products without softmax.
        """
        absent = (lines == self.tokenizer.pad_token_id).all(-1)
        ages = ages.clamp(max=self.num_ages - 1)
        read = [
            self._bags(words, lines) + age(ages) for words, age in zip(self.words, self.ages, strict=True)
        ]  # each table once, as it addresses in one hop and is read in the one before
        state = self._bags(self.words[0], questions)
        for keys, values in itertools.pairwise(read):
            scores = torch.einsum("rw,rlw->rl", state, keys)
            weights = scores.masked_fill(absent, 0.0) if linear else scores.masked_fill(absent, -torch.inf).softmax(-1)
            state = state + torch.einsum("rl,rlw->rw", weights, values)
        return state @ self.words[-1].get_parameter("weight").mT

    def _bags(self, table: nn.Module, words: Int[Tensor, "*texts words"]) -> Float[Tensor, "*texts width"]:
        real = words != self.tokenizer.pad_token_id
        vectors = table(words)
        return (vectors * position_weights(real, vectors.shape[-1])).sum(-2)

    def _batch(self, stories: Sequence[EncodedStory], ages: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        pad = int(self.tokenizer.pad_token_id)
        most_lines = max(len(story.lines) for story in stories)
        flat: list[Tokens] = [
            line for story in stories for line in (*story.lines, *[(pad,)] * (most_lines - len(story.lines)))
        ]
        return {
            "lines": padded(flat, pad).unflatten(0, (len(stories), most_lines)),
            "ages": padded(ages),
            "questions": padded([story.question for story in stories], pad),
        }

    def _skipping_ages(self, sample: Sample) -> list[int]:
        """Ages of a story's lines, drawn from a range between as many as lines and the whole table, log-uniformly."""
        num_lines = len(sample.story.lines)
        if num_lines >= self.num_ages:
            return list(range(num_lines))[::-1]
        draws = random.Random(sample.seed)
        reach = round(num_lines * (self.num_ages / num_lines) ** draws.random())
        return sorted(draws.sample(range(reach), num_lines), reverse=True)

    def _cloze(self, line: Tokens) -> tuple[EncodedStory, int]:
        words = [str(token).isalnum() for token in self.tokenizer.convert_ids_to_tokens(list(line))]
        last = max((place for place, is_word in enumerate(words) if is_word), default=len(line) - 1)
        return EncodedStory(lines=(line,), question=line[:last] or line), line[last]


def position_weights(real: Bool[Tensor, "*texts words"], width: int) -> Float[Tensor, "*texts words width"]:
    """Weights of words by place: (1 - j/J) - (k/d)(1 - 2j/J) for the j-th of J words and the k-th of d numbers.

    Args:
        real: Which words are no padding; they come first.
        width: d.

    Source: Sukhbaatar et al. 2015, section 4.1.
    """
    place = torch.arange(1, real.shape[-1] + 1, device=real.device) / real.sum(-1, keepdim=True).clamp(min=1)
    number = torch.arange(1, width + 1, device=real.device) / width
    weights = (1 - place[..., None]) - number * (1 - 2 * place[..., None])
    return weights * real[..., None]


def _loss(logits: Tensor, answers: Tensor) -> Tensor:
    return mean_over_ranks(nn.functional.cross_entropy(logits, answers, reduction="none"))
