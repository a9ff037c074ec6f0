"""Many merges of two small models in memory, each judged: the curve from one parent to the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor
from transformers import PreTrainedModel

Result = TypeVar("Result")


def sweep_weights(
    domain: PreTrainedModel,
    aligned: PreTrainedModel,
    weights: Sequence[tuple[float, float]],
    evaluate: Callable[[PreTrainedModel], Result],
    base: PreTrainedModel | None = None,
) -> list[Result]:
    """What ``evaluate`` says of each merge; no model is copied, none stays changed.

    Args:
        domain: Its parameters hold the merges while they are judged.
        aligned: Of the same architecture.
        weights: Of domain and aligned model; of their changes, if there is a base.
        evaluate: Called with the merged model.
        base: What both were tuned from.

    Raises:
        ValueError: If weights that do not add up to 1 come without a base, or the models have other parameters.
    """
    if base is None and (odd := [pair for pair in weights if abs(sum(pair) - 1) > 1e-6]):
        raise ValueError(f"weights {odd[0]} do not add up to 1; give the `base` that they are changes of.")
    others = [dict(model.named_parameters()) for model in (aligned, *([base] if base else []))]
    mine = dict(domain.named_parameters())
    for other in others:
        shapes = [{name: tuple(part.shape) for name, part in each.items()} for each in (mine, other)]
        if odd_ones := sorted(dict(shapes[0].items() ^ shapes[1].items())):
            one, theirs = (each.get(odd_ones[0], "not there") for each in shapes)
            raise ValueError(
                f"parameter {odd_ones[0]!r} is {one} in `domain` and {theirs} in another of the models; load models of one "
                "architecture."
            )
    with kept(domain) as original, torch.no_grad():
        results = []
        for of_domain, of_aligned in weights:
            for name, parameter in mine.items():
                total = of_domain * original[name].double() + of_aligned * others[0][name].double()
                if base is not None:
                    total += (1 - of_domain - of_aligned) * others[1][name].double()
                parameter.copy_(total)
            results.append(evaluate(domain))
        return results


def convex(alphas: Sequence[float]) -> list[tuple[float, float]]:
    """Weights of MergeAlign for shares of the aligned model."""
    return [(1.0 - alpha, alpha) for alpha in alphas]


@contextmanager
def kept(model: PreTrainedModel) -> Iterator[Mapping[str, Tensor]]:
    """Copies of the parameters, which are put back at the end, after an error too."""
    original = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    try:
        yield original
    finally:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(original[name])
