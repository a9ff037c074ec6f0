"""Labels stand on responses alone, and what cannot be learnt is refused."""

import pytest
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from safe_finetune.rows import PLAIN_TEMPLATE, Message, Row, RowEncoder, collate_rows, load_rows

ROW = {
    "messages": [
        ("system", "be kind"),
        ("user", "a fox"),
        ("assistant", "a dog"),
        ("user", "red"),
        ("assistant", "sun"),
    ]
}


def row_of(*messages, **more):
    return Row(id="x", messages=tuple(Message(*message) for message in messages), place="f.jsonl, line 3", **more)


def texts(encoded, tokenizer):
    tokens, cut = encoded.token_ids[0], encoded.prompt_lengths[0]
    return tokenizer.decode(tokens[:cut]), tokenizer.decode(tokens[cut:])


def test_prompt_is_what_generation_would_see(tokenizer):
    encoded = RowEncoder().encode([row_of(*ROW["messages"])], tokenizer)
    messages = [{"role": role, "content": content} for role, content in ROW["messages"]]
    prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=True, add_generation_prompt=True, return_dict=False)
    assert encoded.token_ids[0][: encoded.prompt_lengths[0]] == prompt
    assert texts(encoded, tokenizer)[1] == "sun<eos>"


def test_special_tokens_come_from_the_template_alone(tokenizer):
    """Templates write them already; a tokenizer that adds its own would put one before the response too."""
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    adding = PreTrainedTokenizerFast(tokenizer_object=backend, chat_template=tokenizer.chat_template)
    assert adding("a")["input_ids"][0] == 1
    rows = [row_of(*ROW["messages"])]
    assert RowEncoder().encode(rows, adding).token_ids == RowEncoder().encode(rows, tokenizer).token_ids


def test_plain_template_is_the_released_one(tokenizer):
    encoded = RowEncoder(template=PLAIN_TEMPLATE).encode([row_of(*ROW["messages"])], tokenizer)
    assert texts(encoded, tokenizer) == (
        "Human: be kind\na fox\nAssistant: a dog\nHuman: red\nAssistant: ",
        "sun<eos>",
    )


def test_batches_label_responses_alone(encode, make_rows):
    encoded = encode(make_rows(5))
    batch = collate_rows([encoded[3], encoded[1]])
    assert batch["row_index"].tolist() == [3, 1]
    for at, index in enumerate((3, 1)):
        tokens, cut = encoded.token_ids[index], encoded.prompt_lengths[index]
        pads = batch["labels"].shape[1] - len(tokens)
        assert batch["labels"][at].tolist() == [-100] * cut + tokens[cut:] + [-100] * pads
        assert batch["attention_mask"][at].tolist() == [1] * len(tokens) + [0] * pads


def test_rows_that_length_leaves_nothing_of(tokenizer, caplog):
    messages = (Message("user", "a"), Message("assistant", "sun " * 9))
    rows = [row_of(("user", "a fox " * 9), ("assistant", "a dog")), Row(id="y", messages=messages)]
    with pytest.raises(ValueError, match=r"f.jsonl, line 3: 0 tokens of the response are left \(prompt \d+"):
        RowEncoder(max_length=20).encode(rows, tokenizer)
    encoded = RowEncoder(max_length=20, too_long="drop").encode(rows, tokenizer)
    assert (encoded.ids, encoded.dropped) == (("y",), ("x",))
    assert len(encoded.token_ids[0]) == 20
    assert "1 of 2 rows dropped, 1 fill it" in caplog.text
    with pytest.raises(ValueError, match="leaves no row"):
        RowEncoder(max_length=20, too_long="drop").encode(rows[:1], tokenizer)


def test_rows_that_share_an_id_are_refused_with_both_places(tokenizer):
    """Two files may have the same ids, and scores would meet the wrong rows after hours of training."""
    rows = [Row(id="x", messages=row_of(*ROW["messages"]).messages, place=f"{file}, line 1") for file in ("a", "b")]
    with pytest.raises(
        ValueError, match="b, line 1: has the id of a, line 1; ids must be unique, so change one, or del"
    ):
        RowEncoder().encode(rows, tokenizer)


def test_rows_without_a_token_to_ask_or_to_learn_are_refused(tokenizer):
    with pytest.raises(ValueError, match="f.jsonl, line 3: the prompt has no tokens, .* fill it, or give a `template`"):
        RowEncoder(template="{}").encode([row_of(("user", ""), ("assistant", "a dog"))], tokenizer)
    silent = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, chat_template="{{ messages[0]['content'] }}"
    )
    with pytest.raises(ValueError, match=r"line 3: 0 tokens of the response are left \(prompt \d+, response 0, "):
        RowEncoder(too_long="drop").encode([row_of(("user", "a fox"), ("assistant", "a dog"))], silent)
    with pytest.raises(ValueError, match="there are no rows to encode"):
        RowEncoder().encode([], tokenizer)


def test_vocabulary_is_checked(encode):
    encoded = encode(load_rows([{"prompt": "a", "response": "b"}]))
    largest = max(encoded.token_ids[0])
    encoded.check_vocabulary(largest + 1)
    with pytest.raises(ValueError, match=f"row 1: has token id {largest}, but the model's vocabulary has {largest}"):
        encoded.check_vocabulary(largest)


def test_templates_that_cannot_serve(tokenizer):
    plain = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    with pytest.raises(ValueError, match="no chat template"):
        RowEncoder().encode([row_of(*ROW["messages"])], plain)
    turned = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        chat_template="{% for m in messages|reverse %}{{ m['content'] }}{% endfor %}",
    )
    with pytest.raises(ValueError, match="does not begin with its prompt"):
        RowEncoder().encode([row_of(*ROW["messages"])], turned)
    for settings, message in (
        ({"max_length": 1}, "`max_length` must be at least 2, got 1"),
        ({"template": "{} {}"}, "`template` must have one"),
        ({"too_long": "cut"}, "`too_long` must be"),
    ):
        with pytest.raises(ValueError, match=message):
            RowEncoder(**settings)
