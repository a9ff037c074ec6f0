"""Texts to tokens for a MemReasoner model: lines and questions for its encoder, prompts and answers for its decoder."""

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from gpu_commons import tokenizer_fingerprint
from memory_llm.memreasoner.config import MemReasonerConfig

ENCODER_FOLDER, DECODER_FOLDER = "encoder_tokenizer", "decoder_tokenizer"


class Tokens(NamedTuple):
    """Rows of token ids with 1 for tokens and 0 for padding."""

    ids: Int[Tensor, "rows tokens"]
    mask: Int[Tensor, "rows tokens"]


class StoryProcessor:
    """The two tokenizers of a model, and how it wants to be asked.

    Args:
        config: Of the model.
        encoder_tokenizer: Of its encoder.
        tokenizer: Of its decoder; both are one where the parts share a vocabulary.

    Raises:
        ValueError: If the decoder's tokenizer has no end-of-text token.
    """

    def __init__(
        self,
        config: MemReasonerConfig,
        encoder_tokenizer: PreTrainedTokenizerBase,
        tokenizer: PreTrainedTokenizerBase,
    ):
        if tokenizer.eos_token_id is None:
            raise ValueError("the decoder's tokenizer has no `eos_token`, which ends an answer; set one.")
        self.config, self.encoder_tokenizer, self.tokenizer = config, encoder_tokenizer, tokenizer
        self.num_long = 0
        self._warned = False

    @property
    def line_limit(self) -> int:
        """Most tokens of a line."""
        window = getattr(self.config.encoder, "max_position_embeddings", None) or self.config.max_line_tokens
        return min(self.config.max_line_tokens, window, self.encoder_tokenizer.model_max_length)

    @property
    def fingerprint(self) -> str:
        """Of what turns lines into the encoder's tokens."""
        return f"{tokenizer_fingerprint(self.encoder_tokenizer)}-{self.line_limit}"

    def pieces(self, lines: Sequence[str]) -> tuple[list[str], list[int]]:
        """Lines as they are encoded, and for each of them the number (0-based) of the line it comes from.

        They are the lines themselves unless long ones are to be split.

        Raises:
            ValueError: If there is no line, one is empty, or there are more than ``max_lines``.
        """
        if not lines:
            raise ValueError("`lines` is empty; a question needs at least one line of context.")
        for number, line in enumerate(lines):
            if not line.strip():
                raise ValueError(f"line {number} is empty; drop it, for it would still be addressed.")
        if self.config.on_long_line == "split":
            split = self._split(lines)
            found = [piece for line in lines for piece in split.get(line, [line])]
            origins = [number for number, line in enumerate(lines) for _ in split.get(line, [line])]
        else:
            found, origins = list(lines), list(range(len(lines)))
        if len(found) > self.config.max_lines:
            raise ValueError(
                f"there are {len(found)} lines, but `max_lines` is {self.config.max_lines}; shorten the context or raise "
                "it in the config."
            )
        return found, origins

    def encoder_tokens(self, lines: Sequence[str]) -> Tokens:
        """Lines or questions for the encoder, padded on the right; equal ones are tokenised once.

        Raises:
            ValueError: If a line is too long and ``on_long_line`` is "error".
        """
        known = self._encoder_ids(lines)
        return padded([known[line] for line in lines], 0)

    def prompt_ids(self, question: str) -> list[int]:
        """What the decoder reads before the answer, its first token included."""
        return [self._first, *self._ids(self.config.answer_prompt.replace("{question}", question))]

    def answer_ids(self, answer: str) -> list[int]:
        """An answer after its prompt, with the end-of-text token."""
        return [*self._ids(f" {answer}"), int(self.tokenizer.eos_token_id)]

    def line_ids(self, line: str, *, prompt: str = "", left_out: int = 0) -> tuple[list[int], list[int]]:
        """Tokens and labels of a line that the decoder is to say.

        Args:
            line: The line.
            prompt: What stands before it.
            left_out: Words at its beginning that are left out; the next one is given then and not to be predicted.
        """
        words = line.split()
        before = [self._first, *self._ids(prompt)]
        if left_out:
            before += self._ids(f" {words[left_out]}")
            line = " " + " ".join(words[left_out + 1 :])
        after = [*self._ids(line)[: self.config.max_line_tokens], int(self.tokenizer.eos_token_id)]
        return before + after, [-100] * len(before) + after

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write both tokenizers into folders of their own."""
        self.encoder_tokenizer.save_pretrained(Path(folder) / ENCODER_FOLDER)
        self.tokenizer.save_pretrained(Path(folder) / DECODER_FOLDER)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], config: MemReasonerConfig) -> "StoryProcessor":
        """The processor of a saved model.

        Raises:
            FileNotFoundError: If the folder has no tokenizers of both parts.
        """
        folders = [Path(folder) / name for name in (ENCODER_FOLDER, DECODER_FOLDER)]
        for one in folders:
            if not one.is_dir():
                raise FileNotFoundError(f"no tokenizer in {one.absolute()}; save the model with its processor.")
        return cls(config, *(AutoTokenizer.from_pretrained(one) for one in folders))

    @property
    def _first(self) -> int:
        tokenizer = self.tokenizer
        return int(tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id)

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    def _encoder_ids(self, lines: Iterable[str]) -> dict[str, list[int]]:
        unique = list(dict.fromkeys(lines))
        rows = self.encoder_tokenizer(unique, verbose=False)["input_ids"]
        limit = self.line_limit
        long = [(line, len(row)) for line, row in zip(unique, rows, strict=True) if len(row) > limit]
        if long:
            self._report(*long[0], limit)
            rows = self.encoder_tokenizer(unique, truncation=True, max_length=limit)["input_ids"]
        for line, row in zip(unique, rows, strict=True):
            if not row:
                raise ValueError(f"the line {line!r} has no token in the encoder's tokenizer; drop it.")
        return dict(zip(unique, rows, strict=True))

    def _report(self, line: str, length: int, limit: int) -> None:
        text = f"the line {line[:40]!r}… has {length} tokens, but the encoder reads {limit}"
        if self.config.on_long_line == "error":
            raise ValueError(f"{text}; raise `max_line_tokens`, or set `on_long_line` to 'truncate' or 'split'.")
        if not self._warned:
            self._warned = True
            warnings.warn(f"{text}; the rest of it, and of others, is not seen.", stacklevel=5)

    def _split(self, lines: Sequence[str]) -> dict[str, list[str]]:
        """Pieces of the lines that are too long."""
        unique = list(dict.fromkeys(lines))
        limit = self.line_limit - self.encoder_tokenizer.num_special_tokens_to_add()
        spans = self.encoder_tokenizer(unique, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
            "offset_mapping"
        ]
        return {
            line: [
                line[offsets[start][0] : offsets[min(start + limit, len(offsets)) - 1][1]].strip()
                for start in range(0, len(offsets), limit)
            ]
            for line, offsets in zip(unique, spans, strict=True)
            if len(offsets) > limit
        }


def padded(rows: Sequence[Sequence[int]], fill: int, *, side: str = "right") -> Tokens:
    """Rows of different lengths as one tensor."""
    width = max(map(len, rows))
    left = side == "left"
    gaps = [[0] * (width - len(row)) for row in rows]
    filled = [[fill] * len(gap) for gap in gaps]
    ids = [[*gap, *row] if left else [*row, *gap] for row, gap in zip(rows, filled, strict=True)]
    mask = [[*gap, *[1] * len(row)] if left else [*[1] * len(row), *gap] for row, gap in zip(rows, gaps, strict=True)]
    return Tokens(torch.tensor(ids), torch.tensor(mask))
