"""A document's way into the cache: cut to chunks, read to keys and values, and laid out before a question."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons.kv_cache import cache_shape
from memory_llm.epman.cache import gated
from memory_llm.epman.chunk_states import ChunkStates, read_chunks, read_header, read_whole
from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.key_shift import KeyShift
from memory_llm.epman.kv_store import KVLayout
from memory_llm.epman.memory import EpisodicMemory
from memory_llm.epman.selection import Selection

Columns = tuple[Float[Tensor, "layers heads columns head"], Float[Tensor, "layers heads columns head"]]
"""Keys and values of one question's columns."""


class ChunkReader:
    """Reads documents chunk by chunk, and puts chunks together again.

    Args:
        config: Settings.
        decoder: Who reads.
        tokenizer: Its fast tokenizer.

    Raises:
        ValueError: If the decoder's cache takes no columns before its context, its keys cannot be moved though
            ``rope='on_read'``, or chunks are longer than its window.
    """

    def __init__(self, config: EpMANConfig, decoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.config, self.decoder, self.tokenizer = config, decoder, tokenizer
        self.layout = KVLayout(cache_shape(decoder), config.chunk_size, decoder.dtype, config.kv_format)
        self._shift = KeyShift(decoder) if config.rope == "on_read" else None
        self._header_ids = header_ids(tokenizer, config.header)
        self._header: ChunkStates | None = None
        self._window: int | None = getattr(decoder.config.get_text_config(), "max_position_embeddings", None)
        if self._window is not None and config.chunk_size + len(self._header_ids) > self._window:
            raise ValueError(
                f"`chunk_size` is {config.chunk_size}, but the decoder's window holds {self._window} tokens with a header "
                f"of {len(self._header_ids)}; make chunks smaller."
            )

    # Reading

    def cut(self, document: str) -> tuple[list[str], list[list[int]]]:
        """Texts and tokens of a document's chunks."""
        if not document.strip():
            raise ValueError("the document is empty; give at least one sentence.")
        encoded = self.tokenizer(
            document, add_special_tokens=False, return_offsets_mapping=True, return_attention_mask=False, verbose=False
        )
        ids, offsets, size = encoded["input_ids"], encoded["offset_mapping"], self.config.chunk_size
        firsts = range(0, len(ids), size)
        ends = [offsets[first][0] for first in firsts[1:]] + [len(document)]
        begins = [0, *ends[:-1]]
        return [document[begin:end] for begin, end in zip(begins, ends, strict=True)], [
            ids[first : first + size] for first in firsts
        ]

    def starts(self, tokens: Sequence[Sequence[int]]) -> list[int]:
        """Position of each chunk's first token where it is read."""
        ends = [0, *accumulate(map(len, tokens))]
        context = {"independent": 0, "sliding": self.config.context_chunks, "full": len(tokens)}[self.config.prefill]
        return [len(self._header_ids) + ends[row] - ends[max(0, row - context)] for row in range(len(tokens))]

    def read(
        self, tokens: Sequence[Sequence[int]], *, batch_size: int = 8, wanted: Sequence[int] | None = None
    ) -> Iterable[ChunkStates]:
        """States of a document's chunks, or of those wanted, a batch at a time.

        Raises:
            ValueError: If the document has to be read in one window and does not fit.
        """
        size, prefill = self.config.chunk_size, self.config.prefill
        if prefill == "full":
            length = len(self._header_ids) + sum(map(len, tokens))
            if self._window is not None and length > self._window:
                raise ValueError(
                    f"the document has {length} tokens with its header, but `prefill='full'` reads it in one window of "
                    f"{self._window}; use 'independent' or 'sliding'."
                )
            return [read_whole(self.decoder, self._header_ids, tokens, width=size)]
        context = self.config.context_chunks if prefill == "sliding" else 0
        return read_chunks(
            self.decoder, self._header_ids, tokens, wanted=wanted, context=context, width=size, batch_size=batch_size
        )

    # Laying out

    def columns(self, memory: EpisodicMemory, selection: Selection, *, end: int | None = None) -> Columns:
        """Keys and values of the header and of selected chunks, where they lie before a question.

        Args:
            memory: Of the chunks.
            selection: Of the question.
            end: Position at which the chunks end; right behind the header and each other if absent.

        Raises:
            ValueError: If a whole document is to be laid out and does not fit the decoder's window.
        """
        numbers = selection.chunks.tolist()
        if self.config.layout == "full" and self._window is not None and memory.num_tokens > self._window:
            raise ValueError(
                f"the memory holds {memory.num_tokens} tokens, but `layout='full'` lays them all into a window of "
                f"{self._window}; use layout='gather'."
            )
        keys, values = self._states(memory, numbers)
        lengths = [len(memory.tokens[number]) for number in numbers]
        keys = torch.cat([keys[:, row, :, :length] for row, length in enumerate(lengths)], dim=-2)
        values = torch.cat([values[:, row, :, :length] for row, length in enumerate(lengths)], dim=-2)
        each = torch.tensor(lengths)
        if self._shift is not None:
            first = len(self._header_ids) if end is None else end - int(each.sum())
            new_starts = first + each.cumsum(0) - each
            by = (new_starts - torch.tensor([memory.starts[number] for number in numbers])).repeat_interleave(each)
            keys = self._shift(keys, by) if bool(by.any()) else keys
        values = gated(values, selection.gates.repeat_interleave(each), self.config.layers)
        header = self._header_states()
        return (
            torch.cat([header.keys[:, 0].to(keys), keys], dim=-2),
            torch.cat([header.values[:, 0].to(values), values], dim=-2),
        )

    def offset(self, memory: EpisodicMemory, columns: int) -> int:
        """Position of a question's first token, after so many columns."""
        if self._shift is not None:
            return columns
        return max(start + len(chunk) for start, chunk in zip(memory.starts, memory.tokens, strict=True))

    def _states(self, memory: EpisodicMemory, numbers: list[int]) -> tuple[Tensor, Tensor]:
        if memory.kv is not None:
            return memory.kv.read(numbers, device=self.decoder.device)
        document = {memory.documents[number] for number in numbers}
        parts: dict[int, tuple[Tensor, Tensor]] = {}
        for one in document:
            first = memory.documents.index(one)
            tokens = [memory.tokens[row] for row in range(first, len(memory)) if memory.documents[row] == one]
            wanted = [number - first for number in numbers if memory.documents[number] == one]
            done = iter(wanted)
            for states in self.read(tokens, wanted=wanted):
                for row in range(states.keys.shape[1]):
                    parts[next(done) + first] = (states.keys[:, row], states.values[:, row])
        keys, values = (torch.stack([parts[number][part] for number in numbers], dim=1) for part in (0, 1))
        return keys, values

    def _header_states(self) -> ChunkStates:
        if self._header is None:
            self._header = read_header(self.decoder, self._header_ids)
        return self._header


def header_ids(tokenizer: PreTrainedTokenizerBase, header: str) -> list[int]:
    """Tokens before the chunks: the one that the tokenizer puts before every text, if any, and the header's."""
    first = list(tokenizer("a")["input_ids"])[:1]
    special = first if first == [tokenizer.bos_token_id] else []
    return [*special, *tokenizer(header, add_special_tokens=False)["input_ids"]]
