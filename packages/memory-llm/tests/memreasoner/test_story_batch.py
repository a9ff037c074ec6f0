"""Examples depend on their index alone, filler keeps the order of facts, and batches hold what stories say."""

import random

import pytest
import torch

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.story_batch import StoryCollator
from memory_llm.memreasoner.story_examples import StoryExample, StoryExamples, insert_filler, labelled_rows


def examples_of(stories, **settings):
    return StoryExamples(stories, **{"size": 400, "examples_per_step": 4, **settings})


def test_labels_are_one_nested_subset_of_the_stated_size():
    small, large = labelled_rows(1000, 0.01, 3), labelled_rows(1000, 0.1, 3)
    assert (len(small), len(large)) == (10, 100)
    assert small < large
    assert labelled_rows(1000, 0.01, 4) != small
    assert labelled_rows(1000, 0.0) == frozenset()
    assert labelled_rows(1000, 1.0) == frozenset(range(1000))
    assert len(labelled_rows(5, 0.01)) == 1
    for fraction in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"must be in .0, 1., got {fraction}"):
            labelled_rows(10, fraction)


def test_filler_leaves_facts_in_order_and_support_where_they_are(stories, filler):
    draw, places = random.Random(0), set()
    for count in (0, 1, 7):
        for _ in range(30):
            found = insert_filler(stories[0], [draw.choice(filler) for _ in range(count)], draw)
            assert len(found.lines) == 3 + count
            assert tuple(line for line in found.lines if line not in filler) == stories[0].lines
            assert [found.lines[number] for number in found.support] == ["Mary went to the office."]
            places.add(found.support)
    assert places <= {(number,) for number in range(2, 10)}
    assert len(places) > 5


def test_examples_depend_on_seed_and_index_alone(stories, filler):
    settings = {"filler": filler, "filler_lines": (0, 4), "autoencoded": 2}
    one, same, other = (examples_of(stories, **settings, seed=seed) for seed in (0, 0, 1))
    assert [one[index] for index in (7, 3)] == [same[index] for index in (7, 3)]
    assert [one[index] for index in range(9)] != [other[index] for index in range(9)]


def test_every_pass_shows_every_story_and_labels_stay_with_theirs(stories):
    many = [Story(lines=(f"line {number}",), question="q", answer="a", support=(0,)) for number in range(10)]
    examples = examples_of(many, labelled=frozenset({2, 5}))
    orders = []
    for start in (0, 10, 20):
        shown = [examples[index] for index in range(start, start + 10)]
        orders.append([example.story.lines[0] for example in shown])
        assert sorted(orders[-1]) == [f"line {number}" for number in range(10)]
        assert {example.story.lines[0] for example in shown if example.labelled} == {"line 2", "line 5"}
    assert orders[0] != orders[1]


def test_filler_grows_with_the_steps(stories, filler):
    examples = examples_of(stories, filler=filler, filler_lines=(1, 9), filler_ramp=50)
    counts = [len(examples[index].story.lines) - len(_own(examples[index], stories)) for index in range(400)]
    assert set(counts[:12]) == {1}
    assert max(counts[:100]) <= 5
    assert set(counts[200:]) == set(range(1, 10))


def _own(example, stories):
    return next(story.lines for story in stories if story.question == example.story.question)


def test_lines_to_autoencode_come_from_all_groups_alike(stories, filler):
    examples = examples_of(stories, auxiliary=[filler, ["got", "took"]], autoencoded=3)
    drawn = [line for index in range(400) for line, _ in examples[index].autoencoded]
    own = {line for story in stories for line in story.lines}
    shares = [sum(line in group for line in drawn) / len(drawn) for group in (own, filler, ["got", "took"])]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.05)
    left_out = [count for index in range(400) for line, count in examples[index].autoencoded if line in own]
    assert set(left_out) == {0, 1, 2, 3}
    assert 0.4 < sum(count == 0 for count in left_out) / len(left_out) < 0.6


def test_bad_streams_are_refused(stories):
    with pytest.raises(ValueError, match="`stories` is empty"):
        examples_of([])
    with pytest.raises(ValueError, match="asks for up to 4 lines of filler, but `filler` is empty"):
        examples_of(stories, filler_lines=(0, 4))
    with pytest.raises(ValueError, match="must be .fewest, most. with 0 <= fewest <= most, got .3, 1."):
        examples_of(stories, filler=["a"], filler_lines=(3, 1))


def test_a_batch_holds_what_its_stories_say(make_small, stories):
    processor = make_small(answer_prompt="went to the").processor
    collator = StoryCollator(processor)
    examples = [
        StoryExample(story=stories[0], labelled=True, autoencoded=(("Roses are lovely.", 0),)),
        StoryExample(story=stories[1], labelled=False, autoencoded=()),
    ]
    batch = collator(examples)
    assert batch["line_mask"].tolist() == [[True] * 3, [True, True, False]]
    assert not batch["line_attention_mask"][1, 2].any()
    for row, story in enumerate(stories):
        for number, line in enumerate(story.lines):
            ids = batch["line_input_ids"][row, number][batch["line_attention_mask"][row, number].bool()]
            assert processor.tokenizer.decode(ids) == " ".join(line.lower().replace(".", " .").split())
        said = batch["labels"][row][batch["labels"][row] >= 0]
        assert processor.tokenizer.convert_ids_to_tokens(said.tolist()) == [story.answer, "[EOS]"]
        first = int((batch["labels"][row] >= 0).nonzero()[0])
        assert processor.tokenizer.decode(batch["input_ids"][row, 1:first]) == "went to the"
    assert batch["supporting_facts"].tolist() == [[2, -100], [-100, -100]]
    assert batch["autoencoding"]["labels"].shape[0] == 1


def test_labels_follow_lines_that_are_split(make_small, stories):
    processor = make_small(max_line_tokens=4, on_long_line="split").processor
    batch = StoryCollator(processor)([StoryExample(story=stories[0], labelled=True, autoencoded=())])
    assert batch["line_mask"].shape == (1, 6)
    assert batch["supporting_facts"].tolist() == [[4, -100]]


def test_more_labelled_lines_than_hops_are_refused(make_small):
    story = Story(lines=("a", "b"), question="q", answer="a", support=(0, 1))
    collator = StoryCollator(make_small(num_hops=1).processor)
    with pytest.raises(ValueError, match="a story labels 2 lines, but the model has `num_hops=1`"):
        collator([StoryExample(story=story, labelled=True, autoencoded=())])
    unlabelled = collator([StoryExample(story=story, labelled=False, autoencoded=())])
    assert torch.equal(unlabelled["supporting_facts"], torch.tensor([[-100]]))
