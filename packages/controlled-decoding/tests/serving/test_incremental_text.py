"""Pieces add up to the decoded whole and never hold half a character or part of a stop string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from controlled_decoding.serving.incremental_text import REPLACEMENT, IncrementalText, StopScanner

MULTI_BYTE = "naïve café – 你好, 世界! 🙂🇫🇷 👩‍🔬 end"


def byte_fallback_tokenizer() -> PreTrainedTokenizerFast:
    """Like SentencePiece models of the Llama kind: words begin with ▁, unknown characters fall back to byte tokens."""
    words = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁abcdefghijklmnopqrstuvwxyz,!"]
    tokenizer = Tokenizer(
        models.BPE({word: place for place, word in enumerate(words)}, [], unk_token="<unk>", byte_fallback=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


@pytest.fixture(params=["byte-level BPE", "byte fallback"])
def any_tokenizer(request, tokenizer):
    return tokenizer if request.param == "byte-level BPE" else byte_fallback_tokenizer()


def pieces_of(tokenizer, tokens, context=()):
    text = IncrementalText(tokenizer, context)
    return [*(text.push(token) for token in tokens), text.flush()]


def test_multi_byte_characters_leave_whole(any_tokenizer):
    tokens = any_tokenizer(MULTI_BYTE)["input_ids"]
    pieces = pieces_of(any_tokenizer, tokens)
    assert "".join(pieces) == MULTI_BYTE
    assert len(tokens) > len(MULTI_BYTE) / 2, "characters of several tokens are what is tested"
    assert not any(REPLACEMENT in piece for piece in pieces)


def test_pieces_leave_as_soon_as_they_are_certain(any_tokenizer):
    pieces = pieces_of(any_tokenizer, any_tokenizer("ab 你 c")["input_ids"])
    assert pieces[-1] == "", "nothing was left to the end"


@given(tokens=st.lists(st.integers(3, 319), max_size=30))
def test_pieces_of_any_bytes_add_up_to_the_decoded_whole(tokenizer, tokens):
    """Also of bytes that are no text, of which random models produce plenty."""
    assert "".join(pieces_of(tokenizer, tokens)) == tokenizer.decode(tokens, clean_up_tokenization_spaces=False)


def test_a_continuation_keeps_the_space_of_its_first_word():
    """Decoded on its own, a first token that begins a word would lose its space."""
    tokenizer = byte_fallback_tokenizer()
    prompt, answer = tokenizer("the cat")["input_ids"], tokenizer("sat")["input_ids"]
    assert "".join(pieces_of(tokenizer, answer, prompt)) == " sat"
    assert "".join(pieces_of(tokenizer, answer)) == "sat"


def test_special_tokens_have_no_text(tokenizer):
    tokens = tokenizer("the fox")["input_ids"]
    assert "".join(pieces_of(tokenizer, [1, tokens[0], 1, *tokens[1:]])) == "the fox"


@given(
    pieces=st.lists(st.text("abc", max_size=4), max_size=8),
    stops=st.lists(st.text("abc", min_size=1, max_size=4), max_size=3),
)
def test_nothing_of_a_stop_string_leaves(pieces, stops):
    """What leaves is the text before a stop string, or all of it if there is none."""
    scanner, left = StopScanner(stops), ""
    for piece in pieces:
        left += scanner.push(piece)
        if scanner.stopped:
            break
    whole = "".join(pieces)
    assert whole.startswith(left)
    assert not any(stop in left for stop in stops)
    if scanner.stopped:
        assert any(whole[len(left) :].startswith(stop) for stop in stops)
    else:
        assert left + scanner.flush() == whole
        assert not any(stop in whole for stop in stops)


def test_only_what_may_begin_a_stop_string_is_held_back():
    scanner = StopScanner(["END", "."])
    assert [scanner.push(piece) for piece in ("a E", "N", "x", "E")] == ["a ", "", "ENx", ""]
    assert scanner.flush() == "E"
