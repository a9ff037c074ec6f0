"""Tiny stories, a model of words from scratch, and one of a tiny BERT and a tiny decoder."""

import pytest
import torch
from transformers import BertConfig, BertModel

from gpu_commons.testing import tiny_model, tiny_tokenizer
from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.model import MemReasonerForQA
from memory_llm.memreasoner.small import small_memreasoner
from memory_llm.memreasoner.word_tokenizer import word_tokenizer

STORIES = [
    Story(
        lines=("Mary went to the kitchen.", "John went to the garden.", "Mary went to the office."),
        question="Where is Mary?",
        answer="office",
        support=(2,),
    ),
    Story(
        lines=("John went to the office.", "Mary went to the garden."),
        question="Where is John?",
        answer="office",
        support=(0,),
    ),
]
FILLER = ("The sun is red.", "A fox sleeps all day.", "Roses are lovely.")


def build_small(*, seed=0, **settings):
    texts = [*STORIES[0].lines, *STORIES[1].lines, *FILLER, "Where is the milk? John got the milk."]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return small_memreasoner(word_tokenizer(texts), **{"width": 16, "num_hops": 2, **settings}).eval()


def build_pretrained(family="gpt2", **settings):
    """A random BERT and a random decoder, as if they came from a hub."""
    fields = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = BertModel(BertConfig(vocab_size=320, max_position_embeddings=64, **fields, **no_dropout))
        for parameter in encoder.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        tokenizers = (tiny_tokenizer(), tiny_tokenizer())
        return MemReasonerForQA.from_encoder_decoder(encoder, tiny_model(family), *tokenizers, **settings).eval()


@pytest.fixture(scope="session")
def make_small():
    """``make_small(**settings)``."""
    return build_small


@pytest.fixture(scope="session")
def make_pretrained():
    """``make_pretrained(family, **settings)``."""
    return build_pretrained


@pytest.fixture(scope="session")
def stories():
    return STORIES


@pytest.fixture(scope="session")
def filler():
    return FILLER


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
