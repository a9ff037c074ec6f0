"""The decoding rules: Gibbs optimality, invariances, monotone KL, neutral special tokens (spec 1.3, 1.7)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from controlled_decoding.candidates import select_candidates
from controlled_decoding.config import RULES, SASAConfig, Schedule
from controlled_decoding.rules import exempt, gibbs, kl_divergence, scale_to_budget, transform_margins


def random_step(seed: int, candidates: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities with one absent candidate, and margins, in float64."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(candidates, generator=generator, dtype=torch.float64)
    logits[-1] = -torch.inf
    return torch.log_softmax(logits, -1), torch.randn(candidates, generator=generator, dtype=torch.float64)


def objective(log_pi, log_p, margins, beta):
    return (log_pi.exp() * margins).sum(-1) - kl_divergence(log_pi, log_p.expand_as(log_pi)) / beta


@pytest.mark.parametrize("beta", [0.3, 1.0, 5.0])
def test_gibbs_beats_a_thousand_perturbations_of_the_objective(beta):
    """Proposition 1: the maximiser of expected margin minus KL / beta; its value is (1/beta) log E_p exp(beta f)."""
    log_p, margins = random_step(0)
    best = gibbs(log_p, beta * margins)
    noise = torch.randn(1000, len(log_p), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    others = torch.log_softmax(best + 0.3 * noise, -1)
    value = objective(best, log_p, margins, beta)
    assert (objective(others, log_p, margins, beta) < value).all()
    assert value == pytest.approx(float(torch.logsumexp(log_p + beta * margins, -1) / beta))


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    constant=st.floats(-5, 5),
    rule=st.sampled_from([rule for rule in RULES if rule != "bayes"]),
)
def test_a_constant_added_to_all_margins_changes_nothing(seed, constant, rule):
    """The midpoint b cancels, so a margin relative to the previous state gives the same sampler."""
    log_p, margins = random_step(seed)
    plain = gibbs(log_p, transform_margins(margins, log_p, rule, slope=2.0))
    moved = gibbs(log_p, transform_margins(margins + constant, log_p, rule, slope=2.0))
    torch.testing.assert_close(plain, moved)


def test_rescaled_margins_equal_rescaled_strength_only_for_linear_rules():
    log_p, margins = random_step(3)
    identity = gibbs(log_p, 2.0 * transform_margins(3.0 * margins, log_p, "identity"))
    torch.testing.assert_close(identity, gibbs(log_p, 6.0 * margins))
    zscore = transform_margins(3.0 * margins, log_p, "zscore")
    torch.testing.assert_close(zscore, transform_margins(margins, log_p, "zscore"))


def test_softmax_rule_is_bounded_and_sums_to_one():
    """The released code's shift lies in [0, beta] and sums to beta over the candidates that are there."""
    log_p, margins = random_step(4)
    shift = transform_margins(margins, log_p, "softmax")
    assert shift[-1] == 0
    assert float(shift.sum()) == pytest.approx(1.0)
    assert (shift >= 0).all()


def test_log_odds_rule_at_strength_one_multiplies_by_the_odds():
    log_p, margins = random_step(5)
    odds = (2.5 * margins).exp()
    expected = log_p.exp() * odds / (log_p.exp() * odds).sum()
    torch.testing.assert_close(gibbs(log_p, transform_margins(margins, log_p, "log_odds", slope=2.5)).exp(), expected)


def test_bayes_rule_at_strength_one_is_the_posterior():
    log_p, margins = random_step(5)
    desired = torch.sigmoid(2.5 * margins + 0.4)
    expected = log_p.exp() * desired / (log_p.exp() * desired).sum()
    transformed = transform_margins(margins, log_p, "bayes", slope=2.5, intercept=0.4)
    torch.testing.assert_close(gibbs(log_p, transformed).exp(), expected)


def test_bayes_rule_leaves_desired_candidates_alone_and_equals_the_odds_among_undesired_ones():
    log_p, margins = random_step(6)
    safe = gibbs(log_p, 10.0 * transform_margins(margins + 30.0, log_p, "bayes"))
    torch.testing.assert_close(safe, gibbs(log_p, torch.zeros_like(log_p)))
    unsafe = gibbs(log_p, transform_margins(margins - 30.0, log_p, "bayes"))
    torch.testing.assert_close(unsafe, gibbs(log_p, transform_margins(margins, log_p, "log_odds")))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), budget=st.floats(1e-3, 1.0))
def test_budget_is_met_and_used_up(seed, budget):
    """KL is monotone in the scale, so bisection ends on the budget unless the largest scale stays below it."""
    log_p, margins = random_step(seed)
    scale = scale_to_budget(log_p, margins, budget)
    divergence = float(kl_divergence(gibbs(log_p, scale * margins), log_p))
    assert divergence <= budget + 1e-9
    if scale < 999:
        assert divergence == pytest.approx(budget, rel=1e-3)


def test_expected_margin_and_divergence_grow_with_strength():
    log_p, margins = random_step(6)
    steered = [gibbs(log_p, beta * margins) for beta in (0.0, 0.5, 1.0, 2.0, 8.0)]
    expected = [float((log_q.exp() * margins).sum()) for log_q in steered]
    divergence = [float(kl_divergence(log_q, log_p)) for log_q in steered]
    assert expected == sorted(expected)
    assert divergence == sorted(divergence)


def test_exempt_tokens_keep_their_probability_exactly():
    log_p, margins = random_step(7)
    special = torch.zeros(len(log_p), dtype=torch.bool)
    special[[1, 4]] = True
    steered = gibbs(log_p, exempt(log_p, 3.0 * margins, special))
    torch.testing.assert_close(steered[special], log_p[special])
    assert not torch.allclose(steered[~special][:-1], log_p[~special][:-1])


def test_candidates_are_the_smallest_set_that_reaches_the_nucleus():
    """Probabilities .5 .3 .15 .05: 0.8 needs two tokens, 0.81 three; the batch is as wide as its widest row."""
    p = torch.tensor([[0.3, 0.05, 0.5, 0.15], [0.01, 0.97, 0.01, 0.01]])
    chosen = select_candidates(p.log(), top_p=0.8 - 1e-6, max_candidates=4)
    assert chosen.tokens.tolist() == [[2, 0], [1, 1]]
    torch.testing.assert_close(chosen.log_p.exp(), torch.tensor([[0.625, 0.375], [1.0, 0.0]]))
    assert select_candidates(p.log(), top_p=0.81, max_candidates=4).tokens.shape[1] == 3
    assert select_candidates(p.log(), top_p=1.0, max_candidates=2).tokens.shape[1] == 2


def test_excluded_tokens_are_never_candidates():
    scores = torch.tensor([[0.0, -torch.inf, 1.0]])
    chosen = select_candidates(scores, top_p=1.0, max_candidates=3)
    assert chosen.tokens.tolist() == [[2, 0]]


@pytest.mark.parametrize("strength", [-1.0, float("inf"), float("nan")])
def test_impossible_strengths_are_refused(strength):
    with pytest.raises(ValueError, match=r"`strength` must be finite and >= 0, got .*labels swapped"):
        SASAConfig(strength=strength)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("max_candidates", 0),
        ("kl_budget", -0.1),
        ("kl_budget", float("inf")),
    ],
)
def test_impossible_settings_name_the_field_and_value(field, value):
    with pytest.raises(ValueError, match=f"`{field}`.*got .*{value}"):
        SASAConfig(**{field: value})


def test_schedule_moves_linearly_and_stays():
    schedule = Schedule(first=2.0, last=1.0, tokens=4)
    assert [schedule.at(step) for step in (0, 2, 4, 99)] == [2.0, 1.5, 1.0, 1.0]
    with pytest.raises(ValueError, match="multipliers >= 0"):
        Schedule(first=-1.0)
