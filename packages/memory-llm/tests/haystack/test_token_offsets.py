"""Blocks are no seams: the tokens are those of the text in one piece."""

import pytest

from memory_llm.haystack import token_offsets
from memory_llm.haystack.token_offsets import token_starts


@pytest.mark.parametrize("block", [1, 7, 100, 10**6])
def test_starts_are_those_of_the_text_in_one_piece(book, tokenizer, monkeypatch, block):
    monkeypatch.setattr(token_offsets, "_BLOCK_CHARS", block)
    monkeypatch.setattr(token_offsets, "_BLOCKS_AT_ONCE", 3)
    text = book[:3000]
    whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    indents = [len(text[start:end]) - len(text[start:end].lstrip() or text[start:end]) for start, end in whole]
    assert max(indents) == 1
    expected = [start + indent for (start, _), indent in zip(whole, indents, strict=True)]
    assert token_starts(text, tokenizer).tolist() == expected


def test_a_text_of_no_tokens_has_no_starts(tokenizer):
    assert token_starts("", tokenizer).tolist() == []


def test_a_slow_tokenizer_is_refused(tokenizer, monkeypatch):
    monkeypatch.setattr(type(tokenizer), "is_fast", False)
    with pytest.raises(ValueError, match="must give character offsets.*use_fast=True"):
        token_starts("a text", tokenizer)
