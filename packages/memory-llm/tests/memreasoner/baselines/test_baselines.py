"""What holds for every baseline: padding and company change nothing, gradients reach everything, files keep it."""

import pytest
import torch

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.baselines import BASELINES, load_baseline, make_baseline, save_baseline
from memory_llm.memreasoner.baselines.encoding import Sample, StoryEncoder


def samples(stories, tokenizer, auxiliary=None):
    encoder = StoryEncoder(tokenizer)
    line = encoder.line(auxiliary) if auxiliary else ()
    return [
        Sample(story=encoder.story(each), answer=encoder.answer(each), auxiliary=line, seed=number)
        for number, each in enumerate(stories)
    ]


def lengthened(story, filler):
    return Story(lines=(*filler, *story.lines, *filler), question=story.question, answer=story.answer)


def test_a_story_is_read_alike_alone_and_beside_a_longer_one(make, name, stories, filler):
    model = make(name)
    encoded = [model.encoder.story(each) for each in (*stories[:3], lengthened(stories[3], filler * 3))]
    together = model.answer_logits(encoded)
    alone = torch.cat([model.answer_logits([each]) for each in encoded])
    assert torch.allclose(together, alone, atol=1e-4)
    assert (together[0] - together[2]).abs().max() > 1e-2


def test_answers_do_not_depend_on_groups_and_come_in_order(make, name, stories, filler, monkeypatch):
    model = make(name)
    asked = [*stories, *(lengthened(each, filler) for each in stories)]
    together = model.answer(asked)
    monkeypatch.setattr(type(model), "most_tokens", 1)
    assert model.answer(asked) == together == [model.answer([each])[0] for each in asked]
    assert len({*together}) > 1


def test_losses_are_those_of_rows_one_by_one(make, name, stories, tokenizer, filler):
    model = make(name)
    rows = samples([stories[0], lengthened(stories[3], filler)], tokenizer, filler[0])
    together = model(**model.collate(rows))
    alone = [model(**model.collate([row])) for row in rows]
    assert torch.allclose(together["answer_loss"], torch.stack([one["answer_loss"] for one in alone]).mean(), atol=1e-4)
    if name != "memn2n":
        tokens = torch.tensor([float(row.story.num_tokens) for row in rows])
        expected = (torch.stack([one["text_loss"] for one in alone]) * tokens).sum() / tokens.sum()
        assert torch.allclose(together["text_loss"], expected, atol=1e-4)


def test_the_answer_loss_is_that_of_the_answered_word(make, name, stories, tokenizer):
    """Of stories that are read alike in training and when answering: one segment, and ages that are not skipped."""
    model = make(name, **{"memn2n": {"num_ages": 2}, "rmt": {"segment_lines": 1}}.get(name, {}))
    (row,) = samples(stories[:1], tokenizer)
    if name == "rmt":
        seeded = (Sample(story=row.story, answer=row.answer, seed=seed) for seed in range(20))
        row = next(each for each in seeded if model.collate([each])["segments"].max() == 1)
    log_probs = model.answer_logits([row.story]).log_softmax(-1)
    loss = model(**model.collate([row]))["answer_loss"]
    assert torch.allclose(loss, -log_probs[0, row.answer], atol=1e-5)


def test_gradients_reach_every_parameter_and_the_first_line(make, name, stories, tokenizer, filler):
    model = make(name)
    model(**model.collate(samples(stories, tokenizer, filler[0])))["answer_loss"].backward()
    without = [part for part, parameter in model.named_parameters() if parameter.grad is None]
    assert not without
    first = tokenizer.convert_tokens_to_ids("went")  # in the first line alone
    table = model.words[0] if name == "memn2n" else model.words
    assert table.weight.grad[first].abs().max() > 0


def test_a_saved_baseline_answers_the_same(make, name, stories, tmp_path):
    model = make(name)
    again = load_baseline(save_baseline(model, tmp_path / "saved"))
    encoded = [model.encoder.story(each) for each in stories]
    assert torch.equal(model.answer_logits(encoded), again.answer_logits(encoded))
    assert again.name == name
    assert not list((tmp_path / "saved").glob("*.partial"))
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="holds no readable baseline"):
        load_baseline(tmp_path / "saved")


def test_the_seed_decides_the_weights_and_leaves_the_world_alone(name, tokenizer):
    state = torch.get_rng_state()
    first, again, other = (make_baseline(name, tokenizer, size="tiny", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    weights = [next(p for p in model.parameters() if p.ndim > 1) for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_small_baselines_are_of_one_size(tokenizer):
    sizes = {name: make_baseline(name, tokenizer).num_parameters() for name in BASELINES if name != "memn2n"}
    assert all(220_000 < size < 280_000 for size in sizes.values()), sizes
    memory_network = make_baseline("memn2n", tokenizer)
    assert memory_network.num_parameters() == 0
    assert memory_network.num_parameters(embeddings=True) == 4 * 64 * (len(tokenizer) + 128)


def test_unknown_names_and_empty_folders_are_refused(tokenizer, tmp_path):
    with pytest.raises(ValueError, match="got 'transfomer'; did you mean 'transformer'?"):
        make_baseline("transfomer", tokenizer)
    with pytest.raises(ValueError, match="`size` must be one of tiny, small, got 'large'"):
        make_baseline("gru", tokenizer, size="large")
    with pytest.raises(FileNotFoundError, match="no baseline in .*none: baseline.json and model.safetensors missing"):
        load_baseline(tmp_path / "none")
