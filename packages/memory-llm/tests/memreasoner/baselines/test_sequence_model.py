"""Sequences of tokens: what their rows hold, and what the losses count."""

import pytest
import torch

from memory_llm.memreasoner.baselines.encoding import Sample


def test_auxiliary_lines_come_twice_and_in_another_order(make, stories, filler, tokenizer):
    model = make("transformer")
    story = model.encoder.story(stories[0])
    lines = [model.encoder.line(text) for text in (*filler, *stories[0].lines, *stories[1].lines[:1])]
    samples = [Sample(story=story, answer=1, auxiliary=line, seed=number) for number, line in enumerate(lines)]
    batch = model.collate(samples)
    rows = [
        tokenizer.decode(row[1:length]).split(".")[:-1]
        for row, length in zip(batch["auxiliary_input_ids"], batch["auxiliary_lengths"], strict=True)
    ]
    assert [len(row) for row in rows] == [8, 4]
    assert [row[: len(row) // 2] for row in rows] != [row[len(row) // 2 :] for row in rows]
    for row in rows:
        first, again = ([line.strip() for line in half] for half in (row[: len(row) // 2], row[len(row) // 2 :]))
        assert sorted(first) == sorted(again)


def test_the_text_is_scored_from_its_first_word_to_the_end_of_the_question(make, stories):
    model = make("gru")
    story = model.encoder.story(stories[0])
    tokens = torch.tensor([model.sequence(story)])
    log_probs = model.logits(model.hidden(model.words(tokens))).log_softmax(-1)[0]
    expected = -torch.stack([log_probs[place, token] for place, token in enumerate(tokens[0, 1:])]).mean()
    found = model(**model.collate([Sample(story=story, answer=1)]))["text_loss"]
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["transformer", "gru", "rmt", "mamba"])
def test_later_words_change_nothing_before_them(make, name, stories):
    model = make(name)
    tokens = torch.tensor([model.sequence(model.encoder.story(stories[0]))])
    changed = tokens.clone()
    changed[0, 5:] = tokens[0, 1]
    states, other = (model.hidden(model.words(ids)) for ids in (tokens, changed))
    assert torch.allclose(states[:, :5], other[:, :5], atol=1e-5)
    assert not torch.allclose(states[:, 5:], other[:, 5:], atol=1e-2)
