"""Texts are those that reading everything anew for each token gives, and nothing of them is kept."""

import numpy as np
import pytest
import torch

from agent_tom.backends import Backend, ScriptedBackend, TransformersBackend, Written
from gpu_commons.testing import tiny_model, tiny_tokenizer

TEXTS = ["the quick brown fox", "a model reads a text token by token, and then"]
MORE = [" jumps over", " the garden"]
PROBES = ["\nanswer:", "\nand then the answer:"]
OPTIONS = [[" fox\n", " red\n"], [" red\n", " fox\n"]]
LENGTH = 24


def backend_of(family="llama", *, cached=True):
    backend = TransformersBackend(tiny_model(family), tiny_tokenizer(), cached=cached)
    backend.begin(TEXTS)
    backend.append(MORE)
    return backend


def by_hand(backend, row, length=LENGTH, draw=None):
    """Tokens of a row, the whole of it read anew for each."""
    tokenizer, model = backend.tokenizer, backend.model
    tokens = [tokenizer.bos_token_id]
    for text in (TEXTS[row], MORE[row], PROBES[row]):
        tokens += tokenizer(text, add_special_tokens=False)["input_ids"]
    numbers = None if draw is None else np.random.default_rng(int(draw * 2**53)).random(length)
    written = []
    for place in range(length):
        with torch.no_grad():
            logits = model(torch.tensor([tokens + written])).logits[0, -1]
        if numbers is None:
            token = int(logits.argmax())
        else:
            ends = logits.double().softmax(-1).cumsum(-1).numpy()
            token = int(np.searchsorted(ends, numbers[place] * ends[-1], side="right"))
        if token == tokenizer.eos_token_id:
            break
        written.append(token)
    return written


def texts_by_hand(backend, length=LENGTH, draws=(None, None)):
    found = [by_hand(backend, row, length, draw) for row, draw in enumerate(draws)]
    return [backend.tokenizer.decode(tokens, skip_special_tokens=True) for tokens in found]


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("draws", [None, np.array([0.25, 0.75])])
def test_texts_are_those_of_reading_all_anew(cached, draws):
    backend = backend_of(cached=cached)
    found = backend.generate(PROBES, max_tokens=LENGTH, draws=draws)
    expected = texts_by_hand(backend, draws=(None, None) if draws is None else draws.tolist())
    assert [each.text for each in found] == expected
    assert found[0].text != found[1].text
    assert all(each.cut_off == (each.num_tokens == LENGTH) for each in found)


@pytest.mark.parametrize("family", ["gemma-sliding", "mamba"])
@pytest.mark.filterwarnings("ignore:each probe reads its whole text anew:UserWarning")
def test_a_model_whose_cache_cannot_be_cut_writes_the_same(family):
    backend = backend_of(family)
    found = backend.generate(PROBES, max_tokens=8)
    assert [each.text for each in found] == texts_by_hand(backend, length=8)


def test_writing_changes_nothing_that_comes_later():
    scores = []
    for writes in (True, False):
        backend = backend_of()
        if writes:
            first = backend.generate(PROBES, max_tokens=7)
            assert backend.generate(PROBES, max_tokens=7) == first
        backend.append([" the lazy dog", " is lovely, please"])
        scores.append(backend.score(PROBES, OPTIONS))
    assert np.array_equal(*scores)


def test_a_row_writes_the_same_beside_others():
    draws = np.array([0.1, 0.6])
    together = backend_of().generate(PROBES, max_tokens=12, draws=draws)
    for row in range(2):
        alone = TransformersBackend(tiny_model(), tiny_tokenizer())
        alone.begin(TEXTS[row : row + 1])
        alone.append(MORE[row : row + 1])
        assert alone.generate(PROBES[row : row + 1], max_tokens=12, draws=draws[row : row + 1]) == [together[row]]


def test_a_text_ends_before_what_stops_it_while_others_go_on():
    whole = backend_of().generate(PROBES, max_tokens=LENGTH)
    stop = whole[0].text[4:7]
    assert stop not in whole[1].text
    found = backend_of().generate(PROBES, max_tokens=LENGTH, stop=[stop])
    assert found[0].text == whole[0].text.partition(stop)[0]
    assert not found[0].cut_off
    assert found[0].num_tokens < LENGTH
    assert found[1] == whole[1]


def test_a_text_ends_where_the_model_ends_it():
    backend = backend_of()
    written = by_hand(backend, 0, length=3)
    backend.model.generation_config.eos_token_id = [2, written[2]]
    found = backend.generate(PROBES, max_tokens=5)
    assert found[0] == Written(
        backend.tokenizer.decode(written[: written.index(written[2])]),
        written.index(written[2]) + 1,
        cut_off=False,
    )


def test_what_is_written_is_counted_as_read():
    backend = backend_of()
    before = backend.tokens_read
    found = backend.generate(PROBES, max_tokens=5)
    probes = sum(backend.count(probe) for probe in PROBES)
    assert backend.tokens_read - before == probes + sum(each.num_tokens for each in found)


def test_a_rule_can_write():
    backend = ScriptedBackend(lambda text, probe, options: [1.0], lambda text, probe: f"{text}{probe}. And so on")
    backend.begin(["a", "b"])
    found = backend.generate(["?", "?"], max_tokens=5, stop=["And"])
    assert found == [Written("a?. ", 4, cut_off=False), Written("b?. ", 4, cut_off=False)]
    assert backend.generate(["?", "?"], max_tokens=3)[0] == Written("a?.", 3, cut_off=True)


def test_backends_that_cannot_write_say_so():
    class Scores(Backend):
        def begin(self, texts):
            pass

        def append(self, texts):
            pass

        def score(self, probes, options):
            return np.zeros((1, 1))

    with pytest.raises(ValueError, match="Scores writes no texts; choose a strategy without them"):
        Scores().generate(["?"], max_tokens=1)
    with pytest.raises(ValueError, match="has no rule for texts; give it `writes`"):
        ScriptedBackend(lambda text, probe, options: [1.0]).generate(["?"], max_tokens=1)
    with pytest.raises(ValueError, match="ScriptedBackend knows no chat template; set `chat` to false"):
        ScriptedBackend(lambda text, probe, options: [1.0]).chat_frame()
