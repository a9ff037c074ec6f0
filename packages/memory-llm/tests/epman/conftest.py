"""A tiny decoder with a memory, and a retriever that counts common words."""

import pytest
import torch

from gpu_commons.testing import tiny_model, tiny_tokenizer
from memory_llm.epman.model import EpMANForCausalLM

DOCUMENT = (
    "the quick brown fox jumps over the lazy dog. numbers such as 0 1 2 3 and signs are tokens as well. "
    "roses are red and the garden is lovely today. a model reads a text token by token, and sleeps. "
)


class CommonWords:
    """Scores chunks by the words that they share with a question."""

    fingerprint = "common words"

    def encode_chunks(self, texts):
        return torch.zeros(len(texts), 0)

    def scores(self, questions, texts, encoded):
        return torch.tensor([[float(len({*one.split()} & {*text.split()})) for text in texts] for one in questions])


def build_epman(family="llama", *, dtype=torch.float32, attn_implementation=None, **settings):
    decoder = tiny_model(family, attn_implementation=attn_implementation).to(dtype)
    fields = {"chunk_size": 16, "top_chunks": 2, **settings}
    return EpMANForCausalLM.from_base(decoder, tiny_tokenizer(), CommonWords(), **fields)


@pytest.fixture(scope="session")
def make_epman():
    """``make_epman(family, **settings)``."""
    return build_epman


@pytest.fixture(scope="session")
def document():
    return DOCUMENT


@pytest.fixture
def question(make_epman):
    return make_epman().tokenizer("roses are", return_tensors="pt")["input_ids"]
