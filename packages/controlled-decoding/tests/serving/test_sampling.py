"""Temperature and nucleus row by row; draws that do not depend on the batch."""

import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

from controlled_decoding.serving.sampling import Sampling, draw_uniform, make_row_pick, warp


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
    scores = torch.randn(1, 6, generator=torch.Generator().manual_seed(1)).expand(200, -1)
    padded = torch.cat([scores, torch.full((200, 20), -torch.inf)], dim=-1)
    pick = make_row_pick([Sampling()] * 200, torch.linspace(0, 0.999, 200, dtype=torch.float64))
    narrow, wide = pick(scores, range(200)), pick(padded, range(200))
    assert torch.equal(narrow, wide)
    assert len(narrow.unique()) == 6


def test_draws_follow_the_distribution():
    """Of 20,000 draws; absent tokens are never drawn, not even at the ends."""
    p = torch.tensor([0.0, 0.5, 0.3, 0.0, 0.2, 0.0])
    count = 20_000
    uniform = draw_uniform([torch.Generator().manual_seed(0)] * count)
    uniform[:2] = torch.tensor([0.0, 1.0])
    pick = make_row_pick([Sampling()] * count, uniform)
    drawn = pick(p.log().expand(count, -1), range(count)).bincount(minlength=6) / count
    assert ((drawn - p).abs() <= 4.5 * (p * (1 - p) / count).sqrt()).all()


def test_greedy_and_drawing_rows_share_a_batch():
    """Each row uses its own number; greedy ones use none."""
    rows = [Sampling(temperature=0.0), Sampling(temperature=1.0), Sampling(temperature=1.0)]
    pick = make_row_pick(rows, torch.tensor([0.999, 0.001, 0.999], dtype=torch.float64))
    scores = torch.tensor([[0.3, 0.4, 0.3]]).log().expand(3, -1)
    assert pick(scores, [0, 1, 2]).tolist() == [1, 0, 2]
    assert pick(scores[1:], [2, 0]).tolist() == [2, 1]


def test_choices_of_one_request_have_seeds_of_their_own():
    seeds = [Sampling(seed=(1 << 63) - 1).for_choice(index).seed for index in range(3)]
    assert seeds == [(1 << 63) - 1, 0, 1]
