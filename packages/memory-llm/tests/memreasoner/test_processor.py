"""Texts become the tokens that they should; long, empty and missing lines are dealt with as the config says."""

import pytest

from memory_llm.memreasoner.processor import StoryProcessor, padded

LONG = "Mary went to the kitchen. John got the milk. Mary went to the garden."


def test_prompts_begin_with_the_first_token_and_hold_the_question(make_small):
    processor = make_small(answer_prompt="{question} John").processor
    said = processor.tokenizer.convert_ids_to_tokens(processor.prompt_ids("Where is Mary?"))
    assert said == ["[BOS]", "where", "is", "mary", "?", "john"]
    answer = processor.tokenizer.convert_ids_to_tokens(processor.answer_ids("kitchen"))
    assert answer == ["kitchen", "[EOS]"]


def test_labels_of_a_line_leave_its_prompt_out(make_small):
    processor = make_small().processor
    ids, labels = processor.line_ids("John got the milk.", prompt="Mary went")
    assert processor.tokenizer.decode(ids).split()[1:3] == ["mary", "went"]
    assert labels == [-100] * 3 + ids[3:]
    assert ids[-1] == processor.tokenizer.eos_token_id


def test_a_line_may_be_said_from_a_word_on(make_small):
    processor = make_small().processor
    ids, labels = processor.line_ids("John got the milk.", left_out=1)
    assert processor.tokenizer.convert_ids_to_tokens(ids) == ["[BOS]", "got", "the", "milk", ".", "[EOS]"]
    assert labels == [-100, -100, *ids[2:]]


def test_a_long_line_is_cut_with_one_warning(make_small):
    processor = make_small(max_line_tokens=6).processor
    with pytest.warns(UserWarning, match="has 17 tokens, but the encoder reads 6") as caught:
        tokens = processor.encoder_tokens([LONG, LONG + " John", "Where is Mary?"])
    processor.encoder_tokens([LONG])
    assert len(caught) == 1
    assert tokens.ids.shape == (3, 6)
    assert tokens.mask.sum(-1).tolist() == [6, 6, 4]


def test_a_long_line_is_refused_if_so_wanted(make_small):
    processor = make_small(max_line_tokens=6, on_long_line="error").processor
    with pytest.raises(ValueError, match="has 17 tokens, but the encoder reads 6; raise `max_line_tokens`"):
        processor.encoder_tokens([LONG])


def test_a_long_line_is_split_if_so_wanted(make_small):
    processor = make_small(max_line_tokens=6, on_long_line="split").processor
    pieces, origins = processor.pieces(["Where is Mary?", LONG, "John"])
    assert pieces == [
        "Where is Mary?",
        "Mary went to the kitchen.",
        "John got the milk. Mary",
        "went to the garden.",
        "John",
    ]
    assert origins == [0, 1, 1, 1, 2]
    assert int(processor.encoder_tokens(pieces).mask.sum(-1).max()) == 6


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "`lines` is empty; a question needs at least one line"),
        (["Mary", " "], "line 1 is empty; drop it"),
        (["Mary"] * 4, "there are 4 lines, but `max_lines` is 3"),
    ],
)
def test_lines_that_cannot_be_are_refused(make_small, lines, message):
    with pytest.raises(ValueError, match=message):
        make_small(max_lines=3).processor.pieces(lines)


def test_a_tokenizer_without_an_end_is_refused(make_small):
    processor = make_small().processor
    processor.tokenizer.eos_token = None
    with pytest.raises(ValueError, match="has no `eos_token`"):
        StoryProcessor(processor.config, processor.encoder_tokenizer, processor.tokenizer)


def test_rows_are_padded_on_the_side_asked_for():
    assert padded([[1, 2], [3]], 9).ids.tolist() == [[1, 2], [3, 9]]
    left = padded([[1, 2], [3]], 9, side="left")
    assert (left.ids.tolist(), left.mask.tolist()) == ([[1, 2], [9, 3]], [[1, 1], [0, 1]])
