"""Where the tokens of a long text begin, found block by block so that memory stays flat and time linear."""

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import Int
from transformers import PreTrainedTokenizerBase

_BLOCK_CHARS = 16_384
_BLOCKS_AT_ONCE = 64
_WORD_END = re.compile(r"(?<=\S)\s")


def token_starts(text: str, tokenizer: PreTrainedTokenizerBase) -> Int[np.ndarray, " tokens"]:
    """Character index at which each token of the text begins, never decreasing; special tokens are not added.

    A token that holds the space before its word begins at the word, as it does for tokenizers that trim offsets.

    Blocks end between words, where the pre-tokenizers of byte-level BPE and WordPiece cut as well, so that the tokens
    are those of the whole text. A tokenizer that prefixes every text with a space of its own (SentencePiece) gets at
    most one token more for every 16,384 characters.

    Raises:
        ValueError: If the tokenizer cannot say where its tokens lie.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"`tokenizer` must give character offsets, which {type(tokenizer).__name__} does not; "
            "load the fast variant with AutoTokenizer.from_pretrained(…, use_fast=True)."
        )
    found = [np.zeros(0, dtype=np.int64)]
    blocks = list(_blocks(text))
    for done in range(0, len(blocks), _BLOCKS_AT_ONCE):
        group = blocks[done : done + _BLOCKS_AT_ONCE]
        encoded = tokenizer(
            [text[start:end] for start, end in group],
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,  # a text beyond the model's window is the point here
        )
        for (start, _), offsets in zip(group, encoded["offset_mapping"], strict=True):
            visible = (_first_visible(text, start + first, start + last) for first, last in offsets)
            found.append(np.fromiter(visible, np.int64, len(offsets)))
    # Normalisers that reorder combining marks step back by a character.
    return np.maximum.accumulate(np.concatenate(found))


def _first_visible(text: str, start: int, end: int) -> int:
    if start == end or not text[start].isspace():
        return start
    visible = text[start:end].lstrip()
    return end - len(visible) if visible else start


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        match = _WORD_END.search(text, start + _BLOCK_CHARS)
        end = match.start() if match else len(text)
        yield start, end
        start = end
