from unittest.mock import MagicMock

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from controlled_decoding.methods.word_filter import WordFilter, word_pieces


def test_no_listed_word_is_written_in_200_samples(model, tokenizer, prompts):
    """Words whose tokens are made likely, so that plain decoding writes them often."""
    words = ["the", "token", "and"]
    pieces = tokenizer([" " + word for word in words], add_special_tokens=False)["input_ids"]
    options = {"do_sample": True, "top_k": 0, "num_return_sequences": 100, "max_new_tokens": 10}
    options["sequence_bias"] = [[ids, 4.0] for ids in pieces]
    prompt = {name: tensor[:2] for name, tensor in prompts.items()}

    def count(sequences):
        texts = tokenizer.batch_decode(sequences[:, 7:], skip_special_tokens=True)
        return sum(any(word in text.lower() for word in words) for text in texts)

    torch.manual_seed(0)
    assert count(model.generate(**prompt, **options)) >= 100
    torch.manual_seed(0)
    assert count(WordFilter(words).generate(model, tokenizer, prompt, **options)) == 0


def test_spellings_cover_case_and_leading_space(tokenizer):
    expected = ["fox", "FOX", "Fox", " fox", " FOX", " Fox"]
    pieces = word_pieces(["fox"], tokenizer)
    assert sorted(tokenizer.decode(ids) for ids in pieces) == sorted(expected)


def test_words_come_from_text_and_csv_files(tmp_path):
    (tmp_path / "list.txt").write_text("garden\n\n  warm sun \ngarden\n", encoding="utf-8")
    (tmp_path / "list.csv").write_text("word,level\ngarden,1\nwarm sun,2\n", encoding="utf-8")
    assert WordFilter.from_file(tmp_path / "list.txt").words == ["garden", "warm sun"]
    assert WordFilter.from_file(tmp_path / "list.csv").words == ["garden", "warm sun"]


def test_missing_and_empty_lists_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no word list at"):
        WordFilter.from_file(tmp_path / "absent.txt")
    with pytest.raises(ValueError, match="holds no word"):
        WordFilter([" ", ""])


def test_words_of_unknown_tokens_are_passed_over_or_refused(model, tokenizer, prompts):
    deaf = MagicMock(spec=PreTrainedTokenizerBase, unk_token_id=9, pad_token_id=0)
    deaf.side_effect = lambda words, add_special_tokens: {
        "input_ids": [[9] if word.strip() in "xX" else [4, 5] for word in words]
    }
    assert word_pieces(["x", "y"], deaf) == [[4, 5]]
    assert word_pieces(["x"], deaf) == []
    with pytest.raises(ValueError, match="knows none of the 1 listed words"):
        WordFilter(["x"]).processor(model, deaf, prompts)
