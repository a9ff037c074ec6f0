"""Eight stories of two lines, their tokenizer, and tiny baselines."""

import pytest
import torch

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.baselines import BASELINES, make_baseline
from memory_llm.memreasoner.word_tokenizer import word_tokenizer

PLACES = ("kitchen", "garden", "office", "attic")
FILLER = ("The rain fell all day.", "A clock struck nine in the hall.", "Nobody said a word.")


def story(first, second, asked):
    """John goes to one place and Mary to another; one of them is asked for."""
    return Story(
        lines=(f"John went to the {first}.", f"Mary moved to the {second}."),
        question=f"Where is {asked}?",
        answer=first if asked == "John" else second,
        support=(0 if asked == "John" else 1,),
    )


STORIES = [
    story(first, second, asked)
    for first, second in zip(PLACES, PLACES[1:] + PLACES[:1], strict=True)
    for asked in ("John", "Mary")
]


@pytest.fixture(scope="session")
def stories():
    return STORIES


@pytest.fixture(scope="session")
def filler():
    return FILLER


@pytest.fixture(scope="session")
def tokenizer():
    lines = [line for each in STORIES for line in (*each.lines, each.question)]
    return word_tokenizer([*lines, *FILLER])


@pytest.fixture(params=sorted(BASELINES))
def name(request):
    return request.param


@pytest.fixture
def make(tokenizer):
    """``make(name, **settings)``: a tiny baseline whose random weights are large enough to tell stories apart."""

    def build(name, **settings):
        model = make_baseline(name, tokenizer, size="tiny", **settings)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    torch.nn.init.normal_(parameter, std=1.0 if name == "memn2n" else 0.3)
        return model.eval()

    return build
