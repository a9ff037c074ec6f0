"""Examples to tensors: ragged lines, questions, prompts with answers, labels."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from memory_llm.memreasoner.losses import UNLABELLED
from memory_llm.memreasoner.processor import StoryProcessor, padded
from memory_llm.memreasoner.story_examples import StoryExample


class StoryCollator:
    """Makes batches for :class:`MemReasonerForQA`; it draws nothing, see :class:`StoryExamples`.

    Args:
        processor: Of the model.
    """

    def __init__(self, processor: StoryProcessor):
        self.processor, self.config = processor, processor.config

    def __call__(self, examples: Sequence[StoryExample]) -> dict[str, Any]:
        """Arguments of the model's forward pass.

        Raises:
            ValueError: If a story has no lines, more than ``max_lines``, more labelled hops than the model has hops, or
                a line that is too long and must not be.
        """
        stories = [example.story for example in examples]
        contexts, starts = zip(*(self._context(story.lines) for story in stories), strict=True)
        processor = self.processor
        questions = processor.encoder_tokens([story.question for story in stories])
        texts = [processor.prompt_ids(story.question) for story in stories]
        answers = [processor.answer_ids(story.answer) for story in stories]
        tokens = padded([prompt + answer for prompt, answer in zip(texts, answers, strict=True)], 0)
        labels = [[UNLABELLED] * len(prompt) + answer for prompt, answer in zip(texts, answers, strict=True)]
        support = [
            [start[line] for line in example.story.support] if example.labelled else []
            for example, start in zip(examples, starts, strict=True)
        ]
        batch: dict[str, Any] = {
            **self._lines(contexts),
            "query_input_ids": questions.ids,
            "query_attention_mask": questions.mask,
            "input_ids": tokens.ids,
            "attention_mask": tokens.mask,
            "labels": padded(labels, UNLABELLED).ids,
            "supporting_facts": self._support(support),
        }
        if self.config.sf_loss == "decode" and any(support):
            batch["fact_decoding"] = self._facts(contexts, support)
        if autoencoded := [line for example in examples for line in example.autoencoded]:
            batch["autoencoding"] = self._autoencoding(autoencoded)
        return batch

    def _context(self, lines: Sequence[str]) -> tuple[list[str], list[int]]:
        """Lines as they are encoded, and where each line of the story begins among them."""
        pieces, origins = self.processor.pieces(lines)
        return pieces, [origins.index(number) for number in range(len(lines))]

    def _lines(self, contexts: Sequence[Sequence[str]]) -> dict[str, Tensor]:
        tokens = self.processor.encoder_tokens([line for context in contexts for line in context])
        lengths = torch.tensor([len(context) for context in contexts])
        line_mask = torch.arange(int(lengths.max())) < lengths[:, None]
        shape = (*line_mask.shape, tokens.ids.shape[1])
        ids, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        ids[line_mask], mask[line_mask] = tokens.ids, tokens.mask
        return {"line_input_ids": ids, "line_attention_mask": mask, "line_mask": line_mask}

    def _support(self, support: Sequence[Sequence[int]]) -> Tensor:
        hops = self.config.num_hops
        for row in support:
            if len(row) > hops:
                raise ValueError(
                    f"a story labels {len(row)} lines, but the model has `num_hops={hops}`; raise it in the config, or "
                    "train without labels."
                )
        return torch.tensor([[*row, *[UNLABELLED] * (hops - len(row))] for row in support])

    def _autoencoding(self, lines: Sequence[tuple[str, int]]) -> dict[str, Tensor]:
        encoded = self.processor.encoder_tokens([line for line, _ in lines])
        decoded = self._decoded([self.processor.line_ids(line, left_out=left_out) for line, left_out in lines])
        return {"line_input_ids": encoded.ids, "line_attention_mask": encoded.mask, **decoded}

    def _facts(self, contexts: Sequence[Sequence[str]], support: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Labelled lines, to be decoded from what the hops read."""
        prompt = self.config.fact_prompt
        places = [(row, hop, line) for row, lines in enumerate(support) for hop, line in enumerate(lines)]
        texts = [self.processor.line_ids(contexts[row][line], prompt=prompt) for row, _, line in places]
        rows, hops = (torch.tensor(part) for part in list(zip(*places, strict=True))[:2])
        return {"row": rows, "hop": hops, **self._decoded(texts)}

    def _decoded(self, texts: Sequence[tuple[list[int], list[int]]]) -> dict[str, Tensor]:
        ids, labels = zip(*texts, strict=True)
        tokens = padded(ids, 0)
        return {
            "input_ids": tokens.ids,
            "attention_mask": tokens.mask,
            "labels": padded(labels, UNLABELLED).ids,
        }
