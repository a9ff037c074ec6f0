"""What the operations of a memory report."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WriteReceipt:
    """What a write did.

    Attributes:
        ids: Of the facts written, in the order given.
        replaced: Ids of facts that had the same key and were taken out for them.
        used: Facts in the memory now.
        num_slots: Slots of the memory now.
    """

    ids: tuple[str, ...]
    replaced: tuple[str, ...]
    used: int
    num_slots: int


@dataclass(frozen=True, kw_only=True)
class ForgetReceipt:
    """What forgetting left.

    Attributes:
        ids: Of the facts that are gone.
        leak: Largest absolute cosine between a forgotten value and what its key reads now; 0 for an empty memory. It is
            not zero in general: a forgotten key still reads a mixture of what remains.
        condition: Condition number of the system that remains; 1 for slots.
    """

    ids: tuple[str, ...]
    leak: float
    condition: float


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How full a memory is.

    Attributes:
        used: Facts held.
        num_slots: Slots.
        rank: Independent directions that the facts' weights span.
        key_rank: The most that the keys and slots allow; about 0.9 of it is where least squares become ill-conditioned.
        condition: Condition number of the regularised system; 1 for slots.
        ridge: In use; 0 for slots.
        spilled: Facts in the slot memory beside it.
    """

    used: int
    num_slots: int
    rank: int
    key_rank: int
    condition: float
    ridge: float
    spilled: int


@dataclass(frozen=True, kw_only=True)
class MemoryDiff:
    """How another memory differs.

    Attributes:
        added: Ids that only the other has.
        removed: Ids that only this one has.
        changed: Ids of both with another key or value.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
