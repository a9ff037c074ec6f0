"""Questions made by hand, and a reader that needs no model."""

import pytest

from gpu_commons.testing import tiny_tokenizer
from memory_llm.long_questions import LongQuestion


class EchoReader:
    """Says what its table says of a question, and counts what it was given."""

    name = "echo"
    bytes_moved = 7

    def __init__(self, answers):
        self.answers, self.texts, self.asked = answers, [], []

    def ingest(self, text):
        self.texts.append(text)

    def ask(self, needle_question, cue, *, max_new_tokens):
        self.asked.append((self.texts[-1], needle_question, cue, max_new_tokens))
        return self.answers[needle_question]


def make_question(*answers, task="qasper", **fields):
    values = {"id": "1", "context": "a text", "question": "what?", "length": 2, "level": "1k", **fields}
    return LongQuestion(answers=answers, task=task, **values)


@pytest.fixture(scope="session")
def echo():
    return EchoReader


@pytest.fixture(scope="session")
def question():
    """``question(*answers, **fields)``."""
    return make_question


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()
