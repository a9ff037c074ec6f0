"""A tiny decoder, a stub encoder and facts that both can tell apart."""

import numpy as np
import pytest
import torch

from gpu_commons.testing import tiny_model, tiny_tokenizer
from memory_llm.facts import Fact, NoEdit, TargetScore


class WordEncoder:
    """Unit rows that count words: texts are as near as the words they share. ``calls`` keeps what was embedded."""

    def __init__(self):
        self.calls = []
        self._place = {}

    def embed(self, texts):
        self.calls.append(list(texts))
        rows = np.zeros((len(texts), 64))
        for row, text in enumerate(texts):
            for word in text.lower().replace("?", "").split():
                rows[row, self._place.setdefault(word, len(self._place))] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="package", autouse=True)
def single_thread():
    """More threads are slower on models this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def encoder():
    return WordEncoder()


@pytest.fixture(scope="package")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="package")
def model():
    return tiny_model()


@pytest.fixture(scope="package")
def decoder(model, tokenizer):
    return NoEdit(model, tokenizer, batch_size=3)


@pytest.fixture
def facts():
    return [
        Fact(id="fox", prompt="the quick fox sleeps in the", target="garden", subject="fox", old_target="sun"),
        Fact(id="roses", prompt="the colour of roses is", target="lovely red", subject="roses", old_target="brown"),
        Fact(id="weather", prompt="today our weather feels", target="warm", subject="weather", old_target="little"),
    ]


class Parrot:
    """A method whose answers can be worked out by hand: any prompt with the subject of a held fact gets its target.

    The first held fact counts. All other prompts get "old", and "hot Tea" where they begin with "She". Of the two
    tokens there are, the first has probability 0.75, and 0.25 where a fact is found.

    Args:
        capacity: Only so many of the latest facts are held.
        leaky: Forgotten facts are forgotten on their own prompt alone.
    """

    name = "parrot"

    def __init__(self, *, capacity=99, leaky=False):
        self.capacity = capacity
        self.leaky = leaky

    def told(self, facts, *, alone=False):
        return ParrotAnswerer(list(facts)[-self.capacity :] if not alone else list(facts), alone, self.leaky)


class ParrotAnswerer:
    def __init__(self, facts, alone=False, leaky=False):
        self.facts, self.alone, self.leaky = facts, alone, leaky
        self.forgotten = set()

    def score(self, prompts, targets):
        scores = []
        for fact, prompt, target in zip(self._found(prompts), prompts, targets, strict=True):
            hit = target == self._say(fact, prompt)
            scores.append(TargetScore(-1.0 if hit else -2.0, hit, hit))
        return scores

    def next_log_probs(self, prompts):
        rows = [[0.25, 0.75] if fact else [0.75, 0.25] for fact in self._found(prompts)]
        return torch.tensor(rows).log()

    def answer(self, prompts, *, max_new_tokens=8):
        return [self._say(fact, prompt) for fact, prompt in zip(self._found(prompts), prompts, strict=True)]

    def forget(self, ids):
        self.forgotten |= set(ids)

    def _found(self, prompts):
        assert not self.alone or len(prompts) == len(self.facts)
        return [
            next((fact for fact in ([self.facts[row]] if self.alone else self.facts) if self._asks(prompt, fact)), None)
            for row, prompt in enumerate(prompts)
        ]

    def _asks(self, prompt, fact):
        gone = fact.id in self.forgotten and (not self.leaky or prompt == fact.prompt)
        return fact.subject in prompt and not gone

    def _say(self, fact, prompt):
        return fact.target if fact else "hot Tea" if prompt.startswith("She") else "old"


@pytest.fixture
def parrot():
    """``parrot(capacity=..., leaky=...)``: the method; its answerer without facts is the base model."""
    return Parrot


@pytest.fixture
def parrot_base():
    return ParrotAnswerer([])


@pytest.fixture
def ann():
    return Fact(
        id="ann",
        prompt="Ann likes",
        target="tea",
        subject="Ann",
        old_target="old",
        paraphrases=("Bob left. Ann drinks", "Eve drinks"),
        neighbours=("Ann meets Eve", "Eve likes"),
        neighbour_target="old",
    )


@pytest.fixture
def bob():
    return Fact(id="bob", prompt="Bob likes", target="milk", subject="Bob")
