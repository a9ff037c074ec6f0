"""A template's text around a user's turn is what the template prints, without a system turn of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tom.backends import TransformersBackend
from agent_tom.backends.chat import ChatFrame, chat_frame, closed, without_thoughts
from gpu_commons.testing import tiny_model, tiny_tokenizer

_TURNS = "{% for turn in messages %}[{{ turn.role }}] {{ turn.content | trim }}<eos>\n{% endfor %}[assistant]\n"
SPEAKS_UP = "{% if messages[0].role != 'system' %}[system] You are kind.<eos>\n{% endif %}" + _TURNS
REFUSES = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + _TURNS


def tokenizer_with(template):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


def test_the_frame_is_what_the_template_prints():
    tokenizer = tiny_tokenizer()
    frame = chat_frame(tokenizer)
    rendered = tokenizer.apply_chat_template(
        [{"role": "user", "content": "which?"}], tokenize=False, add_generation_prompt=True
    )
    assert (
        frame.before + frame.around("which?\nAnswer:") == rendered.removesuffix("<assistant> ") + "<assistant> Answer:"
    )
    assert frame == ChatFrame("<user> ", "<eos><assistant> ", "<eos>")


def test_a_system_prompt_does_not_slip_in():
    frame = chat_frame(tokenizer_with(SPEAKS_UP))
    assert frame.before == "[system] <eos>\n[user] "
    assert chat_frame(tokenizer_with(REFUSES)).before == "[user] "


def test_a_tokenizer_without_a_template_is_named():
    backend = TransformersBackend(tiny_model(), tokenizer_with(None))
    with pytest.raises(ValueError, match="has no chat template; set `chat` to false, or take a model that was trained"):
        backend.chat_frame()


def test_a_text_that_begins_with_its_first_token_gets_no_second():
    backend = TransformersBackend(tiny_model(), tiny_tokenizer())
    backend.begin(["the fox"])
    plain = backend.tokens_read
    backend.begin(["<bos>the fox"])
    assert backend.tokens_read == plain


def test_thoughts_that_a_template_opens_are_closed_unless_wanted():
    frame = ChatFrame("<user>", "<assistant><think>\n", "")
    assert frame.around("which?\nAnswer:") == "which?<assistant><think>\n</think>\nAnswer:"
    assert frame.around("which?\nReasoning:", thinking=True) == "which?<assistant><think>\nReasoning:"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>he always</think>\n he plays J", "he plays J"),
        ("he plays J <think>or does", "he plays J"),
        ("he always</think> he plays J", "he plays J"),
        ("<think>he always", ""),
        ("he always", "he always"),
    ],
)
def test_thoughts_are_left_out(text, left):
    assert without_thoughts(text) == left


@given(st.lists(st.sampled_from(["<think>", "</think>", "a ", "\n"]), max_size=8).map("".join))
def test_a_closed_text_is_not_open(text):
    assert "<think>" not in closed(text).rpartition("</think>")[2]
    assert closed(closed(text)) == closed(text)
    assert closed(text).startswith(text.rstrip())
    assert "<think>" not in without_thoughts(text)
