"""The lines of the page on scaling that start several processes do what they say, told and written once."""

import json

import pytest
from markdown_blocks import blocks
from members import ROOT

from gpu_commons.testing import launch, tiny_model, tiny_tokenizer
from memory_llm.haystack.stories import where_is_object, write_stories

PAGE = ROOT / "docs" / "scaling.md"
LAUNCHER = "accelerate launch --num_processes 4 "
SMALL = {
    "larimar train": ["--steps", "2", "--batch_size", "2"],
    "epman train": ["--chunk_size", "8", "--top_chunks", "1"],
    "memreasoner train": ["--steps", "2", "--batch_size", "4"],
    "score": ["--epochs", "1", "--batch_size", "4", "--lora_rank", "2", "--device", "cpu"],
    "train": ["--epochs", "1", "--batch_size", "4", "--lora_rank", "2", "--device", "cpu"],
}


def shown_lines() -> list[list[str]]:
    text = "".join(block.text.replace("\\\n", " ") for block in blocks(PAGE) if block.language == "sh")
    return [line.removeprefix(LAUNCHER).split() for line in text.splitlines() if line.startswith(LAUNCHER)]


def verb_of(words: list[str]) -> str:
    """After ``-m`` and the module."""
    return " ".join(word for word in words[2:4] if not word.startswith("-"))


LINES = {verb_of(words): words for words in shown_lines()}


def test_every_line_of_the_page_is_tried():
    assert LINES.keys() == SMALL.keys()


@pytest.fixture
def work(tmp_path):
    """A folder with what the lines name."""
    tiny_model().save_pretrained(tmp_path / "MODEL")
    tiny_tokenizer().save_pretrained(tmp_path / "MODEL")
    animals = ("fox", "dog", "cat", "hen", "owl", "bee", "ant", "elk")
    facts = [
        {
            "case_id": number,
            "requested_rewrite": {
                "prompt": "the {} sleeps in the",
                "subject": animal,
                "target_new": {"str": "sun"},
                "target_true": {"str": "red"},
            },
            "paraphrase_prompts": [f"all day the {animal} rests in the"],
            "neighborhood_prompts": ["the goat sleeps in the"],
        }
        for number, animal in enumerate(animals)
    ]
    (tmp_path / "counterfact.json").write_text(json.dumps(facts))
    chunks = [f"the {animal} sleeps" for animal in animals[:3]]
    episodes = [
        {"question": f"who is number {number}?", "answer": animals[number], "chunks": chunks, "gold": [number]}
        for number in range(3)
    ]
    rows = [{"id": animal, "prompt": f"what is the {animal}?", "response": "an animal"} for animal in animals]
    trusted = [{**row, "id": f"safe {row['id']}", "response": "a friend"} for row in rows[:4]]
    files = {"episodes": episodes, "rows": rows, "trusted": trusted, "kept": rows[:6]}
    for name, records in files.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    write_stories(list(where_is_object(16, most_facts=4)), tmp_path / "stories.jsonl")
    return tmp_path


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.parametrize("verb", SMALL)
def test_two_processes_write_and_tell_once(verb, work):
    words = [*LINES[verb], *SMALL[verb]]
    done = launch(words, 2, folder=work)

    assert done.returncode == 0, done.stderr[-2000:]
    out = work / words[words.index("--out") + 1]
    assert out.exists()
    assert not list(work.glob("*.partial"))
    assert done.stdout.count(out.name) == 1, done.stdout
    assert "train_runtime" not in done.stdout
