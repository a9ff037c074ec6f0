"""Two models that are one: merging them is a mistake in the recipe, seen by a look at some of their numbers."""

import logging
from collections.abc import Sequence

import numpy as np

from safe_finetune.merging.agreement import Source, is_weight
from safe_finetune.merging.tensors import BLOCK, MergedTensor

logger = logging.getLogger(__name__)
_LOOKS, _SAME_WAY = 16, 0.999


def check_sameness(models: Sequence[Source], base: Source | None, names: Sequence[str]) -> None:
    """Compare the beginnings of some tensors, and where these are equal all of them.

    Raises:
        ValueError: If a model is the base, or two models are the same.
    """
    weights = [name for name in names if is_weight(name, models[0])]
    looked = weights[:: max(len(weights) // _LOOKS, 1)]
    sources = [*models, *([base] if base else [])]
    beginnings = np.concatenate([_beginning(name, sources) for name in looked], axis=1) if looked else np.zeros((0, 0))
    for place, source in enumerate(sources):
        for other_place in range(place):
            if np.array_equal(beginnings[place], beginnings[other_place]) and _are_same(
                source, sources[other_place], weights
            ):
                raise ValueError(
                    f"{sources[other_place].name} and {source.name} have the same weights, so there is nothing to merge; "
                    "look whether one of them was named by mistake."
                )
    if base and len(models) == 2:
        changes = beginnings[:2] - beginnings[2]
        size = np.prod(np.linalg.norm(changes, axis=1))
        if size and (cosine := changes[0] @ changes[1] / size) > _SAME_WAY:
            logger.warning("%s and %s changed the base alike (cosine %.4f).", models[0].name, models[1].name, cosine)


def _are_same(one: Source, other: Source, names: Sequence[str]) -> bool:
    """Whether all numbers are: adapters on a few modules leave every tensor that was looked at as it was."""
    for name in names:
        common = min(source.tensors.entries[name].num_elements for source in (one, other))
        tensor = MergedTensor(name, [one.tensors, other.tensors], None, common)
        if not all(np.array_equal(mine, theirs) for _, (mine, theirs), _ in tensor):
            return False
    return True


def _beginning(name: str, sources: Sequence[Source]) -> np.ndarray:
    common = min(source.tensors.entries[name].num_elements for source in sources)
    tensor = MergedTensor(name, [source.tensors for source in sources], None, min(common, BLOCK))
    return np.stack(
        [np.stack([block.copy() for block in blocks]) for _, blocks, _ in tensor][:1] or [np.zeros((len(sources), 0))]
    )[0]
