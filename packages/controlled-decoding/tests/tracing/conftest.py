"""Traces of a tiny model: plain and steered continuations of one prompt, by greedy decoding."""

import pytest

from controlled_decoding.methods.sasa import SASA
from controlled_decoding.tracing import Trace

PROMPT = "the quick brown fox"
NEW_TOKENS = 6


@pytest.fixture(scope="session")
def record(model, tokenizer, make_subspace):
    """``record(strength=..., **settings of SASA)``: a greedy trace, at the last layer without other ``subspaces``."""

    def record(sasa=None, *, strength=None, prompt=PROMPT, **settings):
        sasa = sasa or SASA(settings.pop("subspaces", None) or make_subspace(model), strength, **settings)
        return Trace.record(
            sasa, model, tokenizer, prompt, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None
        )

    return record


@pytest.fixture(scope="session")
def traces(record):
    return [record(strength=0.0, name="plain"), record(strength=3.0)]
