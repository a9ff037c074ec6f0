"""A MemReasoner trained on the spot: questions that need two lines, among the sentences of a novel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from gpu_commons import seed_everything
from gpu_commons.page import Section, table_fragment
from memory_llm.haystack.stories import Story, dilute_all, split_filler, where_is_object
from memory_llm.memreasoner import MemReasonerForQA, evaluate_memreasoner, small_memreasoner, train_memreasoner
from memory_llm.memreasoner.word_tokenizer import word_tokenizer

STEPS, STORIES, ASKED = 600, 5000, 200
LENGTHS = (0, 30, 100)
SHOWN = 3


def show_hops(novel: str, folder: Path) -> tuple[list[Section], list[str]]:
    """Sections of the page, and notes on the result."""
    seed_everything(0)
    filler = split_filler(novel)
    stories = list(where_is_object(STORIES + ASKED, most_facts=10))
    train, test = stories[:STORIES], stories[STORIES:]
    words = [text for story in train for text in (*story.lines, story.question)]
    model = small_memreasoner(word_tokenizer([*words, *filler.train]), num_hops=2, answer_prompt="went to the")
    with one_thread():
        train_memreasoner(
            model,
            train,
            folder,
            steps=STEPS,
            label_fraction=0.01,
            filler=filler.train,
            filler_lines=(0, 8),
            logging_steps=100,
            save_strategy="no",
        )
    longer = {length: list(dilute_all(test, filler.test, length)) for length in LENGTHS}
    rates = [[str(length), *_rates(model, asked)] for length, asked in longer.items()]
    shown = [row for story in longer[LENGTHS[-1]][:SHOWN] for row in _trace(model, story)]
    sections = [
        Section(
            "Questions that need two lines",
            f"A model of a few hundred thousand weights, trained from scratch in this demo: {STEPS} steps on stories with "
            "up to 8 sentences of the novel between their lines, the needed lines shown for 1 % of them. Asked about "
            "stories among more sentences, none of which it has seen.",
            table_fragment(["sentences of the novel", "answers right", "hop 1 right", "hop 2 right"], rates),
        ),
        Section(
            "What its hops read",
            f"Stories among {LENGTHS[-1]} sentences. The first hop should find who has the thing, the second where that "
            "person went.",
            table_fragment(["question", "hop 1 reads", "hop 2 reads", "answer", "right answer"], shown),
        ),
    ]
    return sections, [
        f"Questions that need two lines, among {row[0]} of its sentences: {row[1]} right." for row in rates
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """So small a model spends more time on waking a second thread than on arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rates(model: MemReasonerForQA, stories: list[Story]) -> list[str]:
    scores = evaluate_memreasoner(model, stories)
    return [f"{rate:.0%}" for rate in (scores.exact_match, *scores.hop_accuracy)]


def _trace(model: MemReasonerForQA, story: Story) -> list[list[str]]:
    hops = model.read(model.write(story.lines), story.question)
    read = [f"{hop.line}: {hop.text} ({hop.weight:.2f})" for hop in hops]
    return [[story.question, *read, model.answer([story])[0], story.answer]]
