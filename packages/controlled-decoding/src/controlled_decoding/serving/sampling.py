"""Per-row temperature, nucleus and randomness: a row's answer does not depend on which batch it was generated in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

from controlled_decoding.decoder import Pick

GREEDY_BELOW = 1e-4
"""Temperatures under this divide logits into overflow; they mean the most probable token."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How one answer draws its tokens.

    Attributes:
        temperature: 0 takes the most probable token.
        top_p: Nucleus in (0, 1]; 1 is the whole vocabulary for plain rows and the configured nucleus for steered ones.
        seed: Of the answer's own generator, 0 to 2^63 - 1.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0

    @property
    def greedy(self) -> bool:
        """Whether nothing is drawn."""
        return self.temperature < GREEDY_BELOW

    def for_choice(self, index: int) -> "Sampling":
        """Settings of choice ``index`` (0-based) of a request with several: the seed counts up."""
        return replace(self, seed=(self.seed + index) % (1 << 63))


def warp(logits: Float[Tensor, "batch vocab"], rows: Sequence[Sampling]) -> Float[Tensor, "batch vocab"]:
    """Apply each row's temperature and nucleus with transformers' own warpers, rows of equal settings together."""
    scores = logits.clone()
    groups: dict[tuple[float, float], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((1.0 if row.greedy else row.temperature, row.top_p), []).append(place)
    nothing_read = torch.empty(0, dtype=torch.long)
    for (temperature, top_p), places in groups.items():
        warpers = LogitsProcessorList()
        if temperature != 1:
            warpers.append(TemperatureLogitsWarper(float(temperature)))
        if top_p < 1:
            warpers.append(TopPLogitsWarper(top_p))
        if warpers:
            scores[places] = warpers(nothing_read, scores[places])
    return scores


def draw_uniform(generators: Sequence[torch.Generator]) -> Float[Tensor, " batch"]:
    """One number in [0, 1) for each row.

    Drawn at every step, also where a row turns out to have a single candidate: whether it is then asked to choose
    depends on its neighbours, and its later draws must not.
    """
    return torch.cat([torch.rand(1, generator=generator, dtype=torch.float64) for generator in generators])


def make_row_pick(rows: Sequence[Sampling], uniform: Float[Tensor, " batch"]) -> Pick:
    """How each row's token is chosen from its scores: the largest, or a draw by inverting the cumulative distribution.

    Unlike `torch.multinomial`, whose draw depends on how many entries it is shown, inversion gives the same token
    however wide the other rows make the batch.

    Args:
        rows: Settings of all rows of the batch.
        uniform: Of this step, one for each row of the batch.
    """

    def pick(scores: Float[Tensor, "rows choices"], indices: Sequence[int]) -> Int[Tensor, " rows"]:
        choice = scores.argmax(-1)
        drawn = [place for place, index in enumerate(indices) if not rows[index].greedy]
        if drawn:
            choice[drawn] = _invert(scores[drawn], uniform[[indices[place] for place in drawn]])
        return choice

    return pick


def _invert(scores: Float[Tensor, "rows choices"], uniform: Float[Tensor, " rows"]) -> Int[Tensor, " rows"]:
    """The first entry whose cumulative probability exceeds the uniform number; absent entries never do."""
    precision = torch.float32 if scores.device.type == "mps" else torch.float64
    cumulative = scores.to(precision).softmax(-1).cumsum(-1)
    total = cumulative[:, -1:]
    # Rounding must not lift the number to the total, which no entry exceeds.
    reached = torch.minimum(
        uniform.to(scores.device, precision)[:, None] * total, torch.nextafter(total, total.new_zeros(1))
    )
    return torch.searchsorted(cumulative, reached, right=True)[:, 0]
