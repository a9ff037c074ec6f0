"""A cache is handed over and found under whatever name a function or a release of transformers has for it."""

import pytest
import torch
from transformers import DynamicCache

from gpu_commons.cache_name import CACHE_NAMES, cache_argument, cache_of
from gpu_commons.testing import tiny_model


def takes_cache(ids, cache=None): ...


def takes_past(ids, past_key_values=None): ...


def takes_state(ids, cache_params=None): ...


def takes_anything(*ids, **others): ...


def takes_both(ids, cache=None, past_key_values=None): ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (takes_cache, "cache"),
        (takes_past, "past_key_values"),
        (takes_state, "cache_params"),
        (takes_anything, "past_key_values"),
        (takes_both, "cache"),
    ],
)
def test_a_function_gets_the_cache_under_its_own_name(function, name):
    cache = DynamicCache()
    assert cache_argument(function, cache) == {name: cache}


@pytest.mark.parametrize("name", CACHE_NAMES)
def test_a_cache_is_found_under_each_name(name):
    cache = DynamicCache()
    assert cache_of({"input_ids": None, name: cache}) is cache
    assert cache_of({name: None}) is None


@torch.no_grad()
def test_a_model_fills_the_cache_that_it_is_handed_and_returns_it():
    model, cache = tiny_model("llama"), DynamicCache()
    output = model(torch.tensor([[5, 6, 7]]), **cache_argument(model.forward, cache))
    assert cache.get_seq_length() == 3
    assert cache_of(output) is cache
