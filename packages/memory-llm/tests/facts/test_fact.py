"""What a fact must hold, and where the lead-in of a paraphrase ends."""

import pytest

from memory_llm.facts import Fact, conflicts


def fact(**fields):
    return Fact(**{"id": "7", "prompt": "Ada plays the", "target": "violin", **fields})


def test_a_fact_reads_as_a_sentence():
    assert fact().text == "Ada plays the violin."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": " "}, "`prompt` of fact '7' is empty; give it a text"),
        ({"target": ""}, "`target` of fact '7' is empty; give it a text"),
        ({"prompt": "Ada plays "}, "`prompt` of fact '7' ends in white space; strip it"),
        ({"target": " violin"}, "`target` of fact '7' has white space around it; strip it"),
    ],
)
def test_a_fact_that_cannot_be_joined_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        fact(**fields)


@pytest.mark.parametrize(
    ("paraphrase", "stripped"),
    [
        ("He left. They ran! Ada plays", "Ada plays"),
        ('She said "go." Ada plays', "Ada plays"),
        ("Contents\nAda plays", "Ada plays"),
        ("He left. On stage, Ada plays", "On stage, Ada plays"),
        ("Ada was here. Then Ada plays", "Then Ada plays"),
        ("Version 3.5 of Ada plays", "Version 3.5 of Ada plays"),
        ("Ada plays. And what", "Ada plays. And what"),
        ("He left. Someone plays", "He left. Someone plays"),
    ],
)
def test_the_lead_in_ends_where_the_subjects_sentence_begins(paraphrase, stripped):
    one = fact(subject="Ada", paraphrases=(paraphrase,))
    assert one.stripped_paraphrases() == (stripped,)
    assert one.paraphrases == (paraphrase,)


def test_a_full_stop_within_the_subject_does_not_cut_it():
    one = fact(subject="St. Ives", paraphrases=("He left. The bay of St. Ives is near",))
    assert one.stripped_paraphrases() == ("The bay of St. Ives is near",)


def test_paraphrases_stay_whole_without_a_subject():
    one = fact(paraphrases=("He left. Ada plays",))
    assert one.stripped_paraphrases() == one.paraphrases


def test_conflicts_are_pairs_with_one_prompt_and_two_targets():
    first, same, other, third = (
        fact(id="1"),
        fact(id="2"),
        fact(id="3", target="flute"),
        fact(id="4", prompt="Eva plays the", target="flute"),
    )
    assert conflicts([first, same, other, third]) == [(first, other), (same, other)]
