"""How blocks of a tensor of several models become a block of the merged one, in float64.

A method is asked for a *combination* once a tensor, and may read the whole tensor for it first; the combination is then
called block by block, so that nothing holds a tensor. Spec: MergeAlign, section 1.1.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float64]
Combination = Callable[[int, Sequence[Block], Block | None], Block]
"""From the block's number in its tensor (0-based), the models' blocks and the base's, to the merged block."""


@runtime_checkable
class Blocks(Protocol):
    """A tensor of all models: its name, and its blocks in order, each with the models' and the base's numbers."""

    name: str
    num_elements: int

    def __iter__(self) -> Iterator[tuple[int, Sequence[Block], Block | None]]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What a tensor is merged with: weights and densities of the models, and the seed of what is dropped."""

    weights: tuple[float, ...]
    densities: tuple[float, ...]
    seed: int


class MergeMethod(ABC):
    """One way to merge."""

    needs_base: ClassVar[bool] = True
    num_models: ClassVar[int | None] = None

    @abstractmethod
    def combination(self, tensor: Blocks, settings: Settings) -> Combination:
        """How the blocks of a tensor are combined."""


def weighted_sum(weights: Sequence[float], blocks: Sequence[Block]) -> Block:
    """Blocks of weight 0 do not take part, so that the other is returned to the bit, the sign of its zeros included."""
    taken = [(weight, block) for weight, block in zip(weights, blocks, strict=True) if weight]
    if not taken:
        return np.zeros_like(blocks[0])
    total = taken[0][0] * taken[0][1]
    for weight, block in taken[1:]:
        total += weight * block
    return total
