"""Temperature and nucleus row by row; draws that do not depend on the batch."""

import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

from controlled_decoding.serving.sampling import Sampling, make_row_pick, warp


def test_each_row_is_warped_by_its_own_settings():
    logits = torch.randn(5, 50, generator=torch.Generator().manual_seed(0))
    settings = [(0.5, 0.8), (1.0, 1.0), (0.5, 0.8), (1.0, 0.6), (0.0, 1.0)]
    warped = warp(logits, [Sampling(temperature=temperature, top_p=top_p) for temperature, top_p in settings])
    for row, (temperature, top_p) in enumerate(settings[:4]):
        alone = LogitsProcessorList([TemperatureLogitsWarper(temperature), TopPLogitsWarper(top_p)])(
            None, logits[row : row + 1]
        )
        torch.testing.assert_close(warped[row : row + 1], alone)
    torch.testing.assert_close(warped[4], logits[4], msg="greedy rows are left alone")


def test_a_draw_does_not_depend_on_the_width_of_the_batch():
    """A row padded with absent candidates draws what it draws without them."""
    scores = torch.randn(1, 6, generator=torch.Generator().manual_seed(1))
    padded = torch.cat([scores, torch.full((1, 20), -torch.inf)], dim=-1)
    for seed in range(50):
        draws = [
            make_row_pick([Sampling()], [torch.Generator().manual_seed(seed)])(shown, [0]) for shown in (scores, padded)
        ]
        assert torch.equal(*draws)


def test_draws_follow_the_distribution():
    """Of 20,000 draws; absent tokens are never drawn, not even at the ends."""
    p = torch.tensor([0.0, 0.5, 0.3, 0.0, 0.2, 0.0])
    count = 20_000
    generators = [torch.Generator().manual_seed(seed) for seed in range(count)]
    pick = make_row_pick([Sampling()] * count, generators)
    drawn = pick(p.log().expand(count, -1), range(count)).bincount(minlength=6) / count
    assert ((drawn - p).abs() <= 4.5 * (p * (1 - p) / count).sqrt()).all()


def test_greedy_and_drawing_rows_share_a_batch():
    scores = torch.tensor([[0.0, 5.0, 1.0]] * 3)
    rows = [Sampling(temperature=0.0), Sampling(temperature=1.0), Sampling(temperature=0.0)]
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    choice = make_row_pick(rows, generators)(scores[1:], [1, 2])
    assert choice[1] == 1
    assert generators[2].get_state().equal(torch.Generator().manual_seed(2).get_state()), "a greedy row draws nothing"


def test_choices_of_one_request_have_seeds_of_their_own():
    seeds = [Sampling(seed=(1 << 63) - 1).for_choice(index).seed for index in range(3)]
    assert seeds == [(1 << 63) - 1, 0, 1]
