"""Fixtures: a tiny tokenizer and model, a book of short sentences, and readers that need no model."""

import random
import re

import pytest
import torch

from gpu_commons.testing import tiny_model, tiny_tokenizer

torch.set_num_threads(1)  # more are slower on models this small

_WORDS = (
    "the", "a", "fox", "dog", "sun", "rose", "garden", "model", "token", "text", "number", "sign", "day", "moves",
    "sleeps", "reads", "warm", "lazy", "red", "lovely",
)  # fmt: skip


def made_up_book(num_sentences: int, seed: int = 0) -> str:
    """Sentences of 3 to 12 words that all differ, hard-wrapped now and then, in paragraphs."""
    rng = random.Random(seed)
    parts = []
    for number in range(num_sentences):
        words = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(2, 11)))
        parts.append(f"Line {number} {words}." + rng.choice([" ", " ", "\n", "\n\n"]))
    return "".join(parts)


class GrepReader:
    """Finds the cue in the last ``window`` characters of the text and reads on."""

    name = "grep"

    def __init__(self, window: int | None = None) -> None:
        self.window = window
        self.num_asked = 0
        self.bytes_moved = 0

    def ingest(self, text: str) -> None:
        self.text = text if self.window is None else text[-self.window :]

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        self.num_asked += 1
        self.bytes_moved = len(self.text)
        found = re.search(re.escape(cue) + r"\s+([^.]*)", self.text)
        return found[1] if found else "I do not know."


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def model():
    return tiny_model()


@pytest.fixture(scope="session")
def book() -> str:
    return made_up_book(400)


@pytest.fixture
def grep_reader():
    return GrepReader
