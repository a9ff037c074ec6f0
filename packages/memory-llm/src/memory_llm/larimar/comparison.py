"""When two facts are one: same keys within a memory, same ids between two memories."""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from memory_llm.larimar.fact_store import FactStore
from memory_llm.larimar.least_squares_bank import LeastSquaresBank
from memory_llm.larimar.receipts import MemoryDiff

TOLERANCE = 1e-6
SAME_KEY = 2e-6  # squared distance of unit keys whose cosine is 1 - 1e-6


def is_close(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two vectors differ by no more than this part of the second one's length."""
    return bool((one - other).norm() <= tolerance * other.norm().clamp(min=1e-30))


def conflicting(store: FactStore, placed: Float[Tensor, "facts key"], names: Sequence[str]) -> list[str]:
    """Ids of facts in the store whose keys come again, if the policy is to replace them.

    Raises:
        ValueError: If the policy is to refuse, or two of the new facts have one key.
    """
    if store.config.on_conflict == "add" or not len(placed):
        return []
    apart = torch.cdist(placed, placed).square() + torch.eye(len(placed))
    if len(twice := (apart < SAME_KEY).nonzero()):
        first, second = (names[int(row)] for row in twice[0])
        raise ValueError(
            f"facts {first!r} and {second!r} have the same key; write one of them, or set on_conflict='add'."
        )
    nearest = store.nearest(placed)
    found = [(new, old) for new, (old, squared) in zip(names, nearest, strict=True) if squared < SAME_KEY]
    if found and store.config.on_conflict == "error":
        new, old = found[0]
        raise ValueError(
            f"fact {new!r} has the key of {old!r}; `update` or forget that one, or set on_conflict='update'."
        )
    return [old for _, old in found if old is not None]


def difference(mine: FactStore, theirs: FactStore) -> MemoryDiff:
    """Facts that differ between two stores.

    Raises:
        ValueError: If a fact of both cannot be compared, since a log keeps no content.
    """
    common = [name for name in mine.entries if name in theirs.entries]
    pairs = zip(common, *mine.contents(common), *theirs.contents(common), strict=True)
    return MemoryDiff(
        added=tuple(name for name in theirs.entries if name not in mine.entries),
        removed=tuple(name for name in mine.entries if name not in theirs.entries),
        changed=tuple(
            name
            for name, key, value, other_key, other_value in pairs
            if not (is_close(key, other_key) and is_close(value, other_value))
        ),
    )


def merge_into(mine: FactStore, theirs: FactStore, *, encoders: tuple[str | None, str | None]) -> None:
    """Take all facts of another store in; facts of both count once.

    Statistics over the same references are added as they are, so that logs need not keep any content.

    Raises:
        ValueError: If the stores do not fit together, or an id stands for different facts; nothing is merged then.
    """
    _check_mergeable(mine, theirs, encoders)
    if clash := difference(mine, theirs).changed:
        raise ValueError(f"both memories have a fact {clash[0]!r} with different content; forget one of them first.")
    new = [name for name in theirs.entries if name not in mine.entries]
    sums, more = mine.bank, theirs.bank
    if isinstance(sums, LeastSquaresBank) and isinstance(more, LeastSquaresBank) and len(new) == more.used:
        mine.make_room(len(new))
        sums.add_statistics(more)
        mine.entries |= {name: copy.copy(theirs.entries[name]) for name in new}
    elif new:
        contents = theirs.contents(new)
        mine.make_room(len(new))
        mine.add(new, *contents, [theirs.entries[name].text for name in new])


def _check_mergeable(mine: FactStore, theirs: FactStore, encoders: tuple[str | None, str | None]) -> None:
    sizes = [(store.config.key_width, store.config.value_width, store.config.addressing) for store in (mine, theirs)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"memories of (key_width, value_width, addressing) {sizes[0]} and {sizes[1]} cannot be merged."
        )
    if encoders[0] != encoders[1]:
        raise ValueError(f"memories written by encoders {encoders[0]} and {encoders[1]} cannot be merged.")
    sums, more = mine.bank, theirs.bank
    if not (isinstance(sums, LeastSquaresBank) and isinstance(more, LeastSquaresBank)):
        return
    if not torch.equal(sums.references, more.references):
        raise ValueError("memories with different references cannot be merged; give both the same `seed`.")
