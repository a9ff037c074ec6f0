"""The hops' algebra against plain loops in float64, and what the table of ages does."""

import math

import pytest
import torch

from memory_llm.memreasoner.baselines.encoding import Sample
from memory_llm.memreasoner.baselines.memn2n import position_weights


def bag(table, words):
    """Sum over words j of l_kj times the word's vector, all 1-based."""
    width, count = table.shape[1], len(words)
    return [
        sum(
            ((1 - j / count) - (k / width) * (1 - 2 * j / count)) * float(table[word, k - 1])
            for j, word in enumerate(words, start=1)
        )
        for k in range(1, width + 1)
    ]


def by_hand(model, story, softmax=True):
    words = [table.weight.detach().double() for table in model.words]
    ages = [table.weight.detach().double() for table in model.ages]
    state = bag(words[0], story.question)
    for hop in range(len(words) - 1):
        memories = []
        for table in (hop, hop + 1):
            memories.append(
                [
                    [
                        number + float(more)
                        for number, more in zip(bag(words[table], line), ages[table][age], strict=True)
                    ]
                    for age, line in zip(reversed(range(len(story.lines))), story.lines, strict=True)
                ]
            )
        weights = [sum(a * b for a, b in zip(state, key, strict=True)) for key in memories[0]]
        if softmax:
            total = sum(math.exp(weight) for weight in weights)
            weights = [math.exp(weight) / total for weight in weights]
        state = [
            number + sum(weight * value[place] for weight, value in zip(weights, memories[1], strict=True))
            for place, number in enumerate(state)
        ]
    return words[-1] @ torch.tensor(state, dtype=torch.float64)


def test_hops_are_those_of_the_paper(make, stories):
    model = make("memn2n")
    for table in model.parameters():
        table.data *= 0.4  # so that no line takes all the attention
    story = model.encoder.story(stories[0])
    expected = by_hand(model, story)
    assert torch.allclose(model.answer_logits([story])[0].double(), expected, rtol=1e-4, atol=1e-4)


def test_linear_start_leaves_the_softmax_out(make, stories):
    model = make("memn2n", linear_steps=10)
    for table in model.parameters():
        table.data *= 0.2
    story = model.encoder.story(stories[0])
    sample = Sample(story=story, answer=5, step=0)
    batch = model.collate([sample])
    assert bool(batch["linear"])
    batch["ages"] = torch.tensor([[1, 0]])
    expected = -by_hand(model, story, softmax=False).log_softmax(-1)[5]
    assert model(**batch)["answer_loss"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert not bool(model.collate([Sample(story=story, answer=5, step=10)])["linear"])


def test_weights_by_place_begin_where_the_paper_does():
    weights = position_weights(torch.tensor([[True, True, False]]), 4)
    assert torch.allclose(weights[0, 0], torch.tensor([0.5, 0.5, 0.5, 0.5]))
    assert torch.allclose(weights[0, 1], torch.tensor([0.25, 0.5, 0.75, 1.0]))
    assert weights[0, 2].abs().max() == 0


def test_ages_are_skipped_in_training_and_fill_the_table(make, stories):
    model = make("memn2n", num_ages=16)
    story = model.encoder.story(stories[0])
    ages = model.collate([Sample(story=story, answer=1, seed=seed) for seed in range(3000)])["ages"]
    assert (ages[:, 0] > ages[:, 1]).all()
    assert {*ages.flatten().tolist()} == {*range(16)}


def test_lines_older_than_the_table_have_no_order(make, stories, filler):
    model = make("memn2n", num_ages=2)
    one, other = stories[0].lines
    swapped = [
        type(stories[0])(lines=(*lines, filler[0]), question="Where?", answer="x")
        for lines in ((filler[1], one, other), (one, filler[1], other))
    ]
    logits = model.answer_logits([model.encoder.story(each) for each in swapped])
    assert torch.allclose(logits[0], logits[1], atol=1e-5)
    wide = make("memn2n", num_ages=8)
    logits = wide.answer_logits([wide.encoder.story(each) for each in swapped])
    assert not torch.allclose(logits[0], logits[1], atol=1e-3)


def test_of_an_auxiliary_line_the_last_word_is_asked(make, stories, tokenizer):
    model = make("memn2n")
    line = model.encoder.line("Nobody said a word.")
    sample = Sample(story=model.encoder.story(stories[0]), answer=1, auxiliary=line)
    batch = model.collate([sample])
    assert tokenizer.decode(batch["auxiliary_questions"][0]) == "nobody said a"
    assert tokenizer.decode(batch["auxiliary_answers"]) == "word"
