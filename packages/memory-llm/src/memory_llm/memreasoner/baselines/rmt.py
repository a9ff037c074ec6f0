"""A recurrent memory transformer: a decoder reads a story segment by segment and hands memory tokens on."""

import random
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.encoding import EncodedStory, Sample, padded
from memory_llm.memreasoner.baselines.sequence_model import SequenceModel, last_states, padded_rows
from memory_llm.memreasoner.baselines.transformer import llama

FIRST_SEGMENTS, MOST_SEGMENTS = 2, 4
NO_SEGMENT = -1


class RMTBaseline(SequenceModel):
    """Memory tokens stand before and after each segment; the states of those after it are the memory of the next.

    In training a story is cut evenly into 1 to 2 segments at first, later 1 to 3 and 1 to 4, and gradients go back
    through all of them. When it answers, a segment has a fixed number of lines, and there is no bound on their number.
    The question belongs to the last one. With one segment and no memory tokens this is the decoder alone.

    Args:
        tokenizer: Of whole words.
        width: Of a token's vector.
        num_layers: Layers of the decoder.
        num_heads: Heads a layer.
        mlp_width: Of the gated layer inside.
        memory_tokens: Handed from segment to segment.
        segment_lines: Lines of a segment when it answers.
        stage_steps: Training steps with up to 2 segments, and then with up to 3.

    Source: Bulatov et al. 2022. Differs: segments are whole lines, and gradients are never cut between them.
    """

    name = "rmt"
    learning_rate = 2e-3
    curriculum_steps = 2000

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        width: int = 64,
        num_layers: int = 4,
        num_heads: int = 4,
        mlp_width: int = 240,
        memory_tokens: int = 8,
        segment_lines: int = 5,
        stage_steps: int = 200,
    ):
        super().__init__(
            tokenizer,
            width=width,
            num_layers=num_layers,
            num_heads=num_heads,
            mlp_width=mlp_width,
            memory_tokens=memory_tokens,
            segment_lines=segment_lines,
            stage_steps=stage_steps,
        )
        self.decoder = llama(width, num_layers, num_heads, mlp_width)
        self.memory = nn.Parameter(torch.randn(memory_tokens, width))
        self.segment_lines, self.stage_steps = segment_lines, stage_steps

    def collate(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """As of every sequence, with the number of each token's segment, -1 for padding."""
        segments = [
            token_segments(sample.story, even_cut(len(sample.story.lines), self._num_segments(sample)))
            for sample in samples
        ]
        return {**super().collate(samples), "segments": padded(segments, NO_SEGMENT)}

    def forward(
        self,
        input_ids: Int[Tensor, "rows tokens"],
        lengths: Int[Tensor, " rows"],
        answers: Int[Tensor, " rows"],
        auxiliary_input_ids: Int[Tensor, "auxiliary_rows auxiliary_tokens"] | None = None,
        auxiliary_lengths: Int[Tensor, " auxiliary_rows"] | None = None,
        segments: Int[Tensor, "rows tokens"] | None = None,
    ) -> dict[str, Tensor]:
        """Losses as of every sequence; all tokens are one segment if ``segments`` is absent, as auxiliary lines are."""
        states = self.read(self.words(input_ids), self._one_segment(input_ids) if segments is None else segments)
        return self.losses(states, input_ids, lengths, answers, auxiliary_input_ids, auxiliary_lengths)

    def answer_logits(self, stories: Sequence[EncodedStory]) -> Float[Tensor, "stories vocabulary"]:
        """Logits at the last token of the question, after segments of ``segment_lines`` lines."""
        rows = padded_rows([self.sequence(story) for story in stories])
        cuts = [[line // self.segment_lines for line in range(len(story.lines))] for story in stories]
        segments = [token_segments(story, cut) for story, cut in zip(stories, cuts, strict=True)]
        vectors = self.words(rows["input_ids"].to(self.device))
        states = self.read(vectors, padded(segments, NO_SEGMENT).to(self.device))
        return self.logits(last_states(states, rows["lengths"].to(self.device)))

    def hidden(self, vectors: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows tokens width"]:
        return self.read(vectors, self._one_segment(vectors[..., 0]))

    def read(
        self, vectors: Float[Tensor, "rows tokens width"], segments: Int[Tensor, "rows tokens"]
    ) -> Float[Tensor, "rows tokens width"]:
        """States of tokens read segment by segment; zeros for padding.

        Args:
            vectors: Of tokens.
            segments: Numbers from 0, none left out, growing within a row; -1 for padding.
        """
        states = torch.zeros_like(vectors)
        memory = self.memory.expand(len(vectors), -1, -1)
        for number in range(int(segments.max()) + 1):
            inside = segments == number
            rows = inside.any(-1).nonzero()[:, 0]  # stories with fewer segments are over
            inside = inside[rows]
            order = torch.arange(int(inside.sum(-1).max()), device=vectors.device)
            real = order < inside.sum(-1, keepdim=True)
            places = (inside.int().argmax(-1, keepdim=True) + order).clamp(max=vectors.shape[1] - 1)
            found, handed_on = self._read_segment(memory[rows], vectors[rows[:, None], places], real)
            states = states.index_put((rows[:, None].expand_as(places)[real], places[real]), found[real])
            memory = memory.index_copy(0, rows, handed_on)
        return states

    def _read_segment(
        self,
        memory: Float[Tensor, "rows memory width"],
        vectors: Float[Tensor, "rows tokens width"],
        real: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """States of a segment's tokens, and the memory after it. Padding is neither seen nor counted in positions."""
        seen = torch.cat([torch.ones_like(memory[..., 0]), real, torch.ones_like(memory[..., 0])], dim=-1).long()
        states = self.decoder(
            inputs_embeds=torch.cat([memory, vectors, memory], dim=1),
            attention_mask=seen,
            position_ids=(seen.cumsum(-1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
        kept, num_tokens = memory.shape[1], vectors.shape[1]
        return states[:, kept : kept + num_tokens], states[:, kept + num_tokens :]

    def _num_segments(self, sample: Sample) -> int:
        most = min(FIRST_SEGMENTS + sample.step // self.stage_steps, MOST_SEGMENTS)
        return random.Random(sample.seed).randint(1, most)

    def _one_segment(self, like: Tensor) -> Int[Tensor, "rows tokens"]:
        return torch.zeros(like.shape, dtype=torch.long, device=like.device)


def even_cut(num_lines: int, num_segments: int) -> list[int]:
    """The segment of each line when lines are cut into segments of about one length, at least one line each."""
    num_segments = min(num_segments, num_lines)
    return [line * num_segments // num_lines for line in range(num_lines)]


def token_segments(story: EncodedStory, cut: Sequence[int]) -> list[int]:
    """The segment of each token of beginning, lines and question.

    Args:
        story: In tokens.
        cut: The segment of each line.
    """
    of_lines = [segment for line, segment in zip(story.lines, cut, strict=True) for _ in line]
    return [cut[0], *of_lines, *[cut[-1]] * len(story.question)]
