"""Token texts keep their spaces and their characters."""

import pytest
from transformers import PreTrainedTokenizerFast

from controlled_decoding.tracing.token_text import added_texts


@pytest.fixture(scope="module")
def sentencepiece_like():
    """Words with a marked space before them, as Llama's first tokenizer has; a lone token decodes without its space."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = {"<unk>": 0, "▁the": 1, "▁fox": 2, "es": 3}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def test_space_before_a_word_is_kept(sentencepiece_like):
    assert sentencepiece_like.decode([2]) == "fox"
    assert added_texts(sentencepiece_like, [1], [2, 3]) == [" fox", "es"]


def test_text_does_not_depend_on_how_long_the_context_is(sentencepiece_like):
    assert added_texts(sentencepiece_like, [1] * 50, [2]) == [" fox"]


def test_character_of_several_tokens_shows_whole_with_its_last(tokenizer):
    before = tokenizer("the")["input_ids"]
    first, middle, last = tokenizer("€")["input_ids"]
    assert added_texts(tokenizer, before, [first]) == ["\ufffd"]
    assert added_texts(tokenizer, [*before, first], [middle]) == ["\ufffd"]
    assert added_texts(tokenizer, [*before, first, middle], [last]) == ["€"]


def test_special_tokens_show_their_names(tokenizer):
    assert added_texts(tokenizer, tokenizer("the fox")["input_ids"], [tokenizer.eos_token_id]) == ["<eos>"]
