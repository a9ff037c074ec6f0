"""Scope detectors score questions against a memory; calibration balances the two errors."""

import numpy as np
import pytest
import torch

from memory_llm.larimar.scope import AlwaysIn, EncoderScope, ResidualScope, SentenceScope, calibrate, in_scope


@pytest.fixture
def memory(larimar):
    filled = larimar.new_memory(num_slots=4)
    filled.write(
        *larimar.facts(["the fox sleeps in the", "the dog sleeps in the"], ["sun", "day"]), texts=["fox", "dog"]
    )
    return filled


def queries(larimar, *texts):
    return larimar.encode(texts), list(texts)


def test_encoder_scope_is_the_nearest_cosine(larimar, memory):
    encoded, texts = queries(larimar, "the fox sleeps in the", "roses are red")
    scores = EncoderScope().score(memory, encoded, texts)
    keys = larimar.encode(["the fox sleeps in the", "the dog sleeps in the"])
    torch.testing.assert_close(scores, (1 + (encoded @ keys.T).max(-1).values) / 2, rtol=1e-4, atol=1e-5)


def test_residual_scope_is_the_distance_to_the_readout(larimar, memory):
    encoded, texts = queries(larimar, "the fox sleeps in the", "roses are red")
    scores = ResidualScope().score(memory, encoded, texts)
    keys = larimar.encode(["the fox sleeps in the", "the dog sleeps in the"])
    nearest = torch.cdist(encoded, keys).min(-1).values
    torch.testing.assert_close(scores, 1 - nearest / 2, rtol=1e-3, atol=1e-3)


class Letters:
    """A sentence encoder by first letter."""

    def __init__(self):
        self.embedded = []

    def embed(self, texts):
        self.embedded += texts
        return np.eye(26)[[ord(text[0]) - ord("a") for text in texts]]


def test_sentence_scope_compares_texts_and_encodes_each_fact_once(larimar, memory):
    encoder = Letters()
    scope = SentenceScope(encoder, threshold=0.9)
    encoded, texts = queries(larimar, "far away", "many roses")
    assert scope.score(memory, encoded, texts).tolist() == [1.0, 0.5]
    assert in_scope(scope, memory, encoded, texts).tolist() == [True, False]
    assert encoder.embedded.count("fox") == 1
    silent = larimar.new_memory(num_slots=4, log="none")
    silent.write(*larimar.facts(["the fox"], ["sun"]), texts=["fox"])
    with pytest.raises(ValueError, match="compares texts, which this memory does not keep"):
        scope.score(silent, encoded, texts)


@pytest.mark.parametrize("scope", [AlwaysIn(), EncoderScope(), ResidualScope(), SentenceScope(Letters())])
def test_nothing_is_in_the_scope_of_an_empty_memory(larimar, scope):
    encoded, texts = queries(larimar, "far away")
    assert not in_scope(scope, larimar.new_memory(num_slots=4), encoded, texts).any()


def test_calibration_finds_the_equal_error_rate():
    positive = torch.tensor([0.9, 0.8, 0.7, 0.3])
    negative = torch.tensor([0.1, 0.2, 0.4, 0.75])
    threshold, error = calibrate(positive, negative)
    assert error == 0.25
    assert float((positive < threshold).float().mean()) == float((negative >= threshold).float().mean()) == 0.25
    with pytest.raises(ValueError, match="`negative` holds no scores"):
        calibrate(positive, negative[:0])
