"""Facts by id over a bank of slots: what the log keeps of each, and what happens when the bank is full."""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from memory_llm.larimar.addressing import nearest_rows
from memory_llm.larimar.least_squares_bank import LeastSquaresBank
from memory_llm.larimar.memory_config import CapacityWarning, MemoryConfig
from memory_llm.larimar.slot_bank import SlotBank

NEARLY_FULL = 0.9


@dataclass(slots=True)
class Entry:
    """What is known of a fact: its slot, or its key and value as far as the log level keeps them."""

    slot: int | None = None
    spilled: bool = False
    key: Tensor | None = None
    value: Tensor | None = None
    text: str | None = None


class FactStore:
    """A bank, perhaps a slot memory for its surplus, and the log.

    Args:
        config: Of the memory.
        references: Fixed reference rows, or None for those that the config implies.

    Attributes:
        entries: The log by id, in the order of writing.
        spill: Slot memory beside a full least-squares bank; None until it is needed.
    """

    def __init__(self, config: MemoryConfig, references: Float[Tensor, "slots key"] | None):
        self.config, self.has_given_references = config, references is not None
        self.entries: dict[str, Entry] = {}
        self.spill: SlotBank | None = None
        self._slot_names: dict[int, str] = {}
        self._spill_names: dict[int, str] = {}
        self.bank: SlotBank | LeastSquaresBank = _bank(config, references)

    @property
    def num_slots(self) -> int:
        """Slots of the bank and of the surplus."""
        return self.bank.num_slots + (self.spill.num_slots if self.spill else 0)

    def add(
        self,
        names: Sequence[str],
        keys: Float[Tensor, "facts key"],
        values: Float[Tensor, "facts value"],
        texts: Sequence[str | None],
    ) -> None:
        """Write facts for which :meth:`make_room` has been called; texts are as :meth:`kept_text` leaves them."""
        room = len(names) if self.spill is None else max(self.bank.num_slots - self.bank.used, 0)
        spilled = self.spill.write(keys[room:], values[room:]) if self.spill and room < len(names) else []
        keys_kept, values_kept = keys[:room], values[:room]
        if isinstance(self.bank, SlotBank):
            slots: list[int | None] = [*self.bank.write(keys_kept, values_kept)]
        else:
            slots = [None] * len(keys_kept)
            if len(keys_kept):
                self.bank.add(keys_kept, values_kept)
        for row, name in enumerate(names):
            entry = Entry(text=texts[row])
            if row >= room:
                entry.slot, entry.spilled = spilled[row - room], True
            elif slots[row] is not None:
                entry.slot = slots[row]
            elif self.config.log != "none":
                entry.key = keys[row].clone()
                entry.value = values[row].to("cpu", torch.float64, copy=True) if self.config.log == "full" else None
            self.restore(name, entry)

    def restore(self, name: str, entry: Entry) -> None:
        """Put a line into the log, whose content the banks hold already."""
        if entry.slot is not None:
            (self._spill_names if entry.spilled else self._slot_names)[entry.slot] = name
        self.entries[name] = entry

    def take_out(self, name: str) -> Entry:
        """Remove a fact and return it with its content."""
        key, value = self.content(name)
        entry = self.entries.pop(name)
        holder = self.spill if entry.spilled else self.bank
        if isinstance(holder, SlotBank) and entry.slot is not None:
            holder.erase([entry.slot])
            del (self._spill_names if entry.spilled else self._slot_names)[entry.slot]
        elif isinstance(holder, LeastSquaresBank):
            holder.add(key[None], value[None], sign=-1)
        return Entry(key=key, value=value, text=entry.text)

    def put_back(self, name: str, entry: Entry) -> None:
        """Write a fact that was taken out."""
        assert entry.key is not None
        assert entry.value is not None
        self.make_room(1)
        self.add([name], entry.key[None], entry.value[None], [entry.text])

    def content(self, name: str) -> tuple[Float[Tensor, " key"], Float[Tensor, " value"]]:
        """Placed key and value of a fact, in float64.

        Raises:
            ValueError: If the log does not keep them.
        """
        entry = self.entries[name]
        if entry.slot is not None:
            bank = self.spill if entry.spilled else self.bank
            assert isinstance(bank, SlotBank)
            return bank.keys[entry.slot].clone(), bank.values[entry.slot].double()
        if entry.key is None or entry.value is None:
            raise ValueError(
                f"the log (log={self.config.log!r}) keeps no content of fact {name!r}; give its content with `forget_content`."
            )
        return entry.key, entry.value

    def contents(self, names: Sequence[str]) -> tuple[Float[Tensor, "facts key"], Float[Tensor, "facts value"]]:
        """Keys and values of several facts."""
        if not names:
            empty = torch.zeros(0, dtype=torch.float64)
            return empty.reshape(0, self.config.key_width), empty.reshape(0, self.config.value_width)
        keys, values = zip(*(self.content(name) for name in names), strict=True)
        return torch.stack(keys), torch.stack(values)

    def keys(self) -> Float[Tensor, "facts key"] | None:
        """Placed keys of all facts in the order of the log; None if it does not keep them."""
        if isinstance(self.bank, SlotBank):
            return self.bank.keys[[entry.slot for entry in self.entries.values()]]
        found = []
        for entry in self.entries.values():
            key = self.spill.keys[entry.slot] if self.spill is not None and entry.slot is not None else entry.key
            if key is None:
                return None
            found.append(key)
        return torch.stack(found) if found else torch.zeros(0, self.config.key_width, dtype=torch.float64)

    def nearest(self, placed: Float[Tensor, "queries key"]) -> list[tuple[str | None, float]]:
        """Id of the fact with each query's nearest key, and the squared distance; (None, inf) where no key is kept."""
        best: list[tuple[str | None, float]] = [(None, float("inf"))] * len(placed)
        for names, rows, squared in self._nearest_by_holder(placed):
            for query, (row, distance) in enumerate(zip(rows.tolist(), squared.tolist(), strict=True)):
                if distance < best[query][1]:
                    best[query] = (names[row], distance)
        return best

    def _nearest_by_holder(self, placed: Tensor) -> list[tuple[Mapping[int, str] | list[str], Tensor, Tensor]]:
        found: list[tuple[Mapping[int, str] | list[str], Tensor, Tensor]] = []
        for bank, names in ((self.bank, self._slot_names), (self.spill, self._spill_names)):
            if isinstance(bank, SlotBank) and bank.used:
                found.append((names, *bank.nearest(placed)))
        if isinstance(self.bank, LeastSquaresBank) and self.config.log != "none":
            logged = {name: entry.key for name, entry in self.entries.items() if entry.key is not None}
        else:
            logged = {}
        if logged:
            found.append((list(logged), *nearest_rows(placed, torch.stack(list(logged.values())))))
        return found

    def make_room(self, count: int) -> None:
        """See to it that so many facts more can be added, as the overflow policy says.

        Raises:
            ValueError: If they do not fit and the policy is to refuse, or cannot be followed.
        """
        needed = len(self.entries) + count
        if needed <= self.num_slots:
            self._warn_if_nearly_full(needed)
            return
        policy = self.config.on_overflow
        if policy == "error":
            raise ValueError(
                f"memory full: {len(self.entries)} of {self.num_slots} slots are used and {count} more are wanted; "
                "forget some, make `num_slots` larger, or set `on_overflow`."
            )
        if policy == "grow" or (policy == "spill" and isinstance(self.bank, SlotBank)):
            self._grow(needed)
        elif policy == "spill":
            self._grow_spill(needed - self.bank.num_slots)
        elif isinstance(self.bank, SlotBank):
            raise ValueError("`on_overflow='warn'` needs least squares: a slot holds one fact; use 'grow'.")
        else:
            message = f"{needed} facts in {self.num_slots} slots: every recall becomes approximate"
            warnings.warn(message, CapacityWarning, stacklevel=4)

    def read(self, keys: Float[Tensor, "queries key"]) -> Float[Tensor, "queries value"]:
        """Values for placed keys; each key asks the bank that holds the fact nearest to it."""
        self.solve()
        values = self.bank.read(keys)
        if self.spill is None or not self.spill.used:
            return values
        logged = [entry.key for entry in self.entries.values() if entry.key is not None]
        _, to_spill = self.spill.nearest(keys)
        to_bank = torch.cdist(keys, torch.stack(logged)).square().min(-1).values if logged else torch.inf
        return torch.where((to_spill < to_bank)[:, None], self.spill.read(keys), values)

    def solve(self) -> None:
        """Make the matrix of a least-squares bank ready: exactly from the log without a ridge, else from the sums.

        Sums that lost positive definiteness to rounding are rebuilt from the log where it holds all.
        """
        if isinstance(self.bank, SlotBank) or self.bank.is_solved:
            return
        if self.config.ridge == 0:
            self.bank.set_matrix(self.bank.least_squares(*self.contents(self._in_bank())))
            return
        try:
            self.bank.matrix()
        except ValueError:
            if self.config.log != "full":
                raise
            self._rebuild(self.bank.references)
            self.bank.matrix()

    def _in_bank(self) -> list[str]:
        return [name for name, entry in self.entries.items() if not entry.spilled]

    def _rebuild(self, references: Float[Tensor, "slots key"]) -> None:
        keys, values = self.contents(self._in_bank())
        self.bank = _bank(self.config, references)
        assert isinstance(self.bank, LeastSquaresBank)
        if len(keys):
            self.bank.add(keys, values)

    def _grow(self, needed: int) -> None:
        size = max(2 * self.bank.num_slots, needed)
        if isinstance(self.bank, SlotBank):
            self.bank.grow(size)
        elif self.has_given_references or self.config.log != "full":
            raise ValueError(
                f"memory full at {self.bank.num_slots} slots: growing draws new references and writes all facts anew, "
                "which needs log='full' and no given references; use `on_overflow='spill'`."
            )
        else:
            self._rebuild(random_references(self.config, size))

    def _grow_spill(self, surplus: int) -> None:
        if self.config.log == "none":
            raise ValueError(
                "`on_overflow='spill'` looks for the nearest key, which log='none' does not keep; use 'keys'."
            )
        if self.spill is None:
            self.spill = SlotBank(self.bank.num_slots, self.config.key_width, self.config.value_width)
        if surplus > self.spill.num_slots:
            self.spill.grow(max(2 * self.spill.num_slots, surplus))

    def _warn_if_nearly_full(self, needed: int) -> None:
        if isinstance(self.bank, SlotBank) or self.bank.addressing == "gaussian":
            return
        limit = NEARLY_FULL * min(self.bank.references.shape)
        if len(self.entries) <= limit < needed:
            most = min(self.bank.references.shape)
            message = f"{needed} facts near the {most} that keys and slots can tell apart: recall becomes sensitive"
            warnings.warn(message, CapacityWarning, stacklevel=4)

    def kept_text(self, text: str | None) -> str | None:
        """What the log level keeps of a text: all of it, a hash, or nothing."""
        if text is None or self.config.log == "none":
            return None
        return text if self.config.log == "full" else hashlib.sha256(text.encode()).hexdigest()[:16]


def random_references(config: MemoryConfig, num_slots: int) -> Float[Tensor, "slots key"]:
    """Rows from N(0, 1), the first ones the same for every number of slots."""
    generator = torch.Generator().manual_seed(config.seed)
    return torch.randn(num_slots, config.key_width, generator=generator, dtype=torch.float64)


def _bank(config: MemoryConfig, references: Float[Tensor, "slots key"] | None) -> SlotBank | LeastSquaresBank:
    if config.addressing == "slot" and references is not None:
        raise ValueError(
            "`references` have no place in slot addressing, whose references are the written keys; use 'gaussian'."
        )
    if config.addressing == "slot" or (config.addressing == "gaussian" and references is None):
        alpha = config.gaussian_alpha if config.addressing == "gaussian" else None
        return SlotBank(config.num_slots, config.key_width, config.value_width, alpha=alpha)
    references = random_references(config, config.num_slots) if references is None else references
    return LeastSquaresBank(
        references.to("cpu", torch.float64),
        config.value_width,
        addressing=config.addressing,  # type: ignore[arg-type]
        alpha=config.gaussian_alpha,
        ridge=config.ridge,
    )
