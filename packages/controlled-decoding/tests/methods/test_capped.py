"""Every method draws from the same candidates: the nucleus, and of it the most probable ones."""

import torch

from controlled_decoding.candidates import select_candidates
from controlled_decoding.config import SASAConfig
from controlled_decoding.methods.capped import Capped, NucleusCap
from controlled_decoding.methods.plain import Plain
from controlled_decoding.methods.sasa import SASA

OPTIONS = {"do_sample": True, "top_k": 0, "top_p": 0.95, "max_new_tokens": 1}


def test_a_cap_leaves_the_candidates_of_the_sampler_as_they_are():
    scores = torch.randn(3, 40, generator=torch.Generator().manual_seed(0))
    cut = NucleusCap(0.8, 6)(torch.empty(0), scores)
    for row in range(3):
        wanted = set(select_candidates(scores[row : row + 1], top_p=0.8, max_candidates=6).tokens[0].tolist())
        assert set(torch.isfinite(cut[row]).nonzero().flatten().tolist()) == wanted
        assert all(cut[row, token] == scores[row, token] for token in wanted)


def test_plain_and_steered_draws_share_their_candidates(model, subspace, tokenizer):
    """Among 2,000 draws of each, exactly the tokens that the sampler by itself would try."""
    prompt = {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    with torch.no_grad():
        logits = model(**prompt).logits[:, -1]
    wanted = set(select_candidates(logits, top_p=0.95, max_candidates=5).tokens[0].tolist())
    sasa = SASA(subspace, config=SASAConfig(strength=0.1, top_p=1.0, max_candidates=5))
    for method in (Plain(), sasa):
        torch.manual_seed(0)
        drawn = Capped(method, 5).generate(model, tokenizer, prompt, num_return_sequences=2000, **OPTIONS)[:, -1]
        assert set(drawn.tolist()) == wanted


def test_the_name_is_the_methods_and_a_run_is_resumed_only_under_the_same_cap(subspace):
    sasa = SASA(subspace, 1.5)
    assert Capped(sasa, 5).name == sasa.name
    assert sasa.fingerprint in Capped(sasa, 5).fingerprint
    assert len({Capped(method, cap).fingerprint for method in (sasa, Plain()) for cap in (5, 6)}) == 4
