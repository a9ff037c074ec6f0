"""Scores equal reading each option's whole text from scratch, whatever was probed before, with and without a cache."""

import numpy as np
import pytest
import torch

from agent_tom.backends import ScriptedBackend, TransformersBackend
from gpu_commons.testing import tiny_model, tiny_tokenizer

TEXTS = ["the quick brown fox", "a model reads a text token by token, and then"]
ROUNDS = [(" jumps over", " the garden"), (" the lazy dog", " is lovely, please")]
PROBES = ["\nanswer:", "\nand then the answer:"]
OPTIONS = [[" fox\n", " fox and dog\n", " red\n"], [" red\n", " fox\n", " lazy dog\n"]]


def by_hand(backend, pieces, probe, option):
    """The summed log-probability of an option."""
    tokenizer, model = backend.tokenizer, backend.model
    before = [tokenizer.bos_token_id]
    for text in (*pieces, probe):
        before += tokenizer(text, add_special_tokens=False)["input_ids"]
    answer = tokenizer(option, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        log_probs = model(torch.tensor([before + answer])).logits[0].double().log_softmax(-1)
    return sum(float(log_probs[len(before) - 1 + place, token]) for place, token in enumerate(answer))


def expected(backend, pieces):
    return np.array(
        [
            [by_hand(backend, row, probe, option) for option in options]
            for row, probe, options in zip(zip(*pieces, strict=True), PROBES, OPTIONS, strict=True)
        ]
    )


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen", "gemma"])
@pytest.mark.parametrize("cached", [True, False])
def test_scores_are_those_of_whole_texts(family, cached):
    backend = TransformersBackend(tiny_model(family), tiny_tokenizer(), cached=cached)
    backend.begin(TEXTS)
    pieces = [TEXTS]
    assert backend.score(PROBES, OPTIONS) == pytest.approx(expected(backend, pieces), abs=1e-3)
    for texts in ROUNDS:
        backend.append(texts)
        pieces.append(texts)
        assert backend.score(PROBES, OPTIONS) == pytest.approx(expected(backend, pieces), abs=1e-3)


@pytest.mark.parametrize("family", ["gemma-sliding", "mamba"])
def test_a_cache_that_cannot_be_cut_is_done_without(family):
    with pytest.warns(UserWarning, match="each probe reads its whole text anew: .*cache"):
        backend = TransformersBackend(tiny_model(family), tiny_tokenizer())
    backend.begin(TEXTS)
    backend.append(ROUNDS[0])
    assert backend.score(PROBES, OPTIONS) == pytest.approx(expected(backend, [TEXTS, ROUNDS[0]]), abs=1e-3)


def test_probing_changes_nothing_that_comes_later():
    scores = []
    for probed in (True, False):
        backend = TransformersBackend(tiny_model(), tiny_tokenizer())
        backend.begin(TEXTS)
        if probed:
            backend.score(["\nwhat?", "\nwhat will it be?"], OPTIONS)
        backend.append(ROUNDS[0])
        scores.append(backend.score(PROBES, OPTIONS))
    assert np.array_equal(*scores)


def test_a_cache_reads_every_piece_once():
    read = {}
    for cached in (True, False):
        backend = TransformersBackend(tiny_model(), tiny_tokenizer(), cached=cached)
        backend.begin(TEXTS)
        for _ in range(10):
            backend.append(ROUNDS[0])
            backend.score(PROBES, OPTIONS)
        read[cached] = backend.tokens_read
    assert read[True] < read[False] / 2


def test_a_rule_can_stand_in_for_a_model():
    backend = ScriptedBackend(lambda text, probe, options: [float(text.endswith(option)) for option in options])
    backend.begin(["a", "b"])
    backend.append([" red", " fox"])
    assert np.exp(backend.score(["?", "?"], [[" red", " fox"]] * 2)).tolist() == [[1, 0], [0, 1]]
