"""A context is written once and asked often; it grows, survives a file, and belongs to its checkpoint."""

import pytest
import torch

from memory_llm.memreasoner.memory import MEMORY_FILE, MemReasonerMemory

SETTINGS = [{}, {"memory": "kanerva", "memory_slots": 8}, {"query_gated": True}]


def same(one, other):
    assert one.lines == other.lines
    torch.testing.assert_close(one.latents, other.latents)
    assert (one.written is None) == (other.written is None)
    if one.written is not None:
        torch.testing.assert_close(one.ordered, other.ordered)


@pytest.mark.parametrize("settings", SETTINGS)
def test_appending_is_writing_all_at_once(make_small, stories, settings):
    model = make_small(**settings)
    lines = [*stories[0].lines, *stories[1].lines]
    memory = model.write(lines[:3])
    memory.append(model, lines[3:])
    whole = model.write(lines)
    same(memory, whole)
    question = "Where is John?"
    for one, other in zip(model.read(memory, question), model.read(whole, question), strict=True):
        assert one[:2] == other[:2]
        assert one.weight == pytest.approx(other.weight, rel=1e-4)


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_memory_survives_a_file(make_small, stories, tmp_path, settings):
    model = make_small(**settings)
    memory = model.write(stories[0].lines)
    memory.save_pretrained(tmp_path)
    again = MemReasonerMemory.from_pretrained(tmp_path, fingerprint=model.fingerprint)
    same(memory, again)
    assert model.read(again, "Where is Mary?") == model.read(memory, "Where is Mary?")


def test_reading_is_what_the_forward_pass_reads(make_small, stories):
    from memory_llm.memreasoner.story_batch import StoryCollator
    from memory_llm.memreasoner.story_examples import StoryExample

    model = make_small()
    with torch.no_grad():
        batch = StoryCollator(model.processor)([StoryExample(story=stories[0], labelled=False, autoencoded=())])
        weights = model(**batch).hop_weights[0]
    hops = model.read(model.write(stories[0].lines), stories[0].question)
    assert [hop.line for hop in hops] == weights.argmax(-1).tolist()
    assert [hop.text for hop in hops] == [stories[0].lines[line] for line in weights.argmax(-1).tolist()]
    assert [hop.weight for hop in hops] == pytest.approx(weights.amax(-1).tolist(), rel=1e-4)


def test_a_memory_of_another_checkpoint_is_refused(make_small, stories, tmp_path):
    model = make_small()
    memory = model.write(stories[0].lines)
    memory.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="the memory was written with weights="):
        make_small(seed=1).read(memory, "Where is Mary?")
    with pytest.raises(ValueError, match="load the checkpoint that wrote it"):
        MemReasonerMemory.from_pretrained(tmp_path, fingerprint=make_small(seed=1).fingerprint)
    with pytest.raises(ValueError, match="the memory was written with settings="):
        memory.append(make_small(temporal="gru"), ["Mary went."])
    with torch.no_grad():
        model.temporal.projection.weight.add_(1.0)
    with pytest.raises(ValueError, match="the memory was written with weights="):
        model.read(memory, "Where is Mary?")


def test_a_missing_or_damaged_memory_is_named(make_small, stories, tmp_path):
    with pytest.raises(FileNotFoundError, match="no whole memory in"):
        MemReasonerMemory.from_pretrained(tmp_path)
    make_small().write(stories[0].lines).save_pretrained(tmp_path)
    text = (tmp_path / MEMORY_FILE).read_text()
    newer = text.replace('"format_version": 1', '"format_version": 9')
    for damage, message in ((text[:-9], "is damaged"), (newer, "has format version 9")):
        (tmp_path / MEMORY_FILE).write_text(damage)
        with pytest.raises(ValueError, match=message):
            MemReasonerMemory.from_pretrained(tmp_path)
    (tmp_path / MEMORY_FILE).write_text(text.replace('"Mary went to the kitchen.", ', ""))
    with pytest.raises(ValueError, match="2 lines, 3 latents"):
        MemReasonerMemory.from_pretrained(tmp_path)


def test_empty_questions_are_refused(make_small, stories):
    model = make_small()
    memory = model.write(stories[0].lines)
    with pytest.raises(ValueError, match="question 0 is empty"):
        model.read(memory, " ")
    with pytest.raises(ValueError, match="`generate` from a `memory` needs a `query`"):
        model.generate(memory=memory)
    with pytest.raises(ValueError, match="`questions` is empty"):
        model.generate(memory=memory, query=[])
