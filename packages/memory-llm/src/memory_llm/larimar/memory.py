"""The episodic memory: facts as key and value vectors, written, read, changed and deleted without a model."""

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from memory_llm.larimar.addressing import KeySpace, finite
from memory_llm.larimar.comparison import conflicting, difference, is_close, merge_into
from memory_llm.larimar.fact_store import Entry, FactStore
from memory_llm.larimar.least_squares_bank import LeastSquaresBank
from memory_llm.larimar.memory_config import MemoryConfig
from memory_llm.larimar.receipts import Capacity, ForgetReceipt, MemoryDiff, WriteReceipt
from memory_llm.larimar.slot_bank import SlotBank


class EpisodicMemory:
    """A memory of facts, each a key (where to find it) and a value (what it says).

    Pure tensors: no model inside, float64 on the CPU, whatever device the keys come from. Reads of an empty memory are
    zero. The memory is exchangeable: the order of facts is not kept.

    Args:
        config: Sizes, addressing and policies.
        key_space: How keys are centred and scaled; ignored in ``auto`` mode, whose keys are values.
        references: Fixed reference rows, ``[num_slots, key]``. Without them ``gaussian`` refers to the written keys,
            and ``pinv`` and ``auto`` to a random matrix drawn from the seed.
        encoder: Fingerprint of what made the keys, kept in the file and compared on loading.

    Source: Larimar (Das et al. 2024), Alg. 1 and Eq. 2-8. Differs: statistics instead of the recursion, see
    :class:`LeastSquaresBank`; one-hot addressing is the default, since it recalls rephrased prompts.
    """

    def __init__(
        self,
        config: MemoryConfig,
        *,
        key_space: KeySpace | None = None,
        references: Float[Tensor, "slots key"] | None = None,
        encoder: str | None = None,
    ):
        if references is not None and references.shape != (config.num_slots, config.key_width):
            raise ValueError(
                f"`references` must have shape {(config.num_slots, config.key_width)} (num_slots, key_width), "
                f"got {tuple(references.shape)}."
            )
        self.config, self.encoder = config, encoder
        self.key_space = KeySpace(unit=False) if config.addressing == "auto" else key_space or KeySpace()
        self.store = FactStore(config, references)
        self._undo: list[tuple[dict[str, Entry], tuple[str, ...]]] = []
        self._next_id = 0

    def __len__(self) -> int:
        return len(self.store.entries)

    def __contains__(self, fact_id: str) -> bool:
        return fact_id in self.store.entries

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all facts, in the order of writing."""
        return tuple(self.store.entries)

    def text(self, fact_id: str) -> str | None:
        """What the log keeps of a fact's text: all, a hash, or nothing."""
        self._check_known([fact_id])
        return self.store.entries[fact_id].text

    # Writing

    def write(
        self,
        keys: Float[Tensor, "facts key"],
        values: Float[Tensor, "facts value"],
        ids: Sequence[str] | None = None,
        texts: Sequence[str] | None = None,
    ) -> WriteReceipt:
        """Write facts in one shot; either all of them or, on an error, none.

        Args:
            keys: Raw encodings of the prompts (the values again in ``auto`` mode).
            values: What reading a key is to give.
            ids: Names to forget and update them by; numbers if absent.
            texts: For lists and messages; the log level decides what is kept of them.

        Raises:
            ValueError: If an id is taken, a number is not finite, a key is there with another value, or the memory is
                full, and the policies say to refuse.
        """
        placed, values = self._checked(keys, values)
        names = self._names(ids, len(placed))
        replaced = conflicting(self.store, placed, names)
        kept = {name: self.store.take_out(name) for name in replaced}
        try:
            self.store.make_room(len(names))
        except ValueError:
            self._put_back(kept)
            raise
        given: Sequence[str | None] = [None] * len(names) if texts is None else texts
        self.store.add(names, placed, values, [self.store.kept_text(text) for text in given])
        self._undo.append((kept, tuple(names)))
        return self._written(names, replaced)

    def update(self, fact_id: str, value: Float[Tensor, " value"], text: str | None = None) -> WriteReceipt:
        """Give a fact another value under the same key.

        Raises:
            ValueError: If there is no such fact, or the log does not keep what taking it out needs.
        """
        self._check_known([fact_id])
        value = finite(value[None], "value")
        old = self.store.take_out(fact_id)
        self.store.put_back(
            fact_id, replace(old, value=value[0].to("cpu", torch.float64), text=self.store.kept_text(text))
        )
        self._undo.append(({fact_id: old}, (fact_id,)))
        return self._written([fact_id], [fact_id])

    def forget(self, ids: Sequence[str], *, final: bool = True) -> ForgetReceipt:
        """Take facts out, as if they had never been written.

        Args:
            ids: Of the facts.
            final: Keep nothing of them, in the history neither; False lets :meth:`undo` bring them back.

        Raises:
            ValueError: If an id is unknown, or the log keeps no content to take out; nothing is forgotten then.
        """
        ids = list(dict.fromkeys(ids))
        self._check_known(ids)
        self.store.contents(ids)
        taken = {name: self.store.take_out(name) for name in ids}
        if final:
            self._purge(ids)
        else:
            self._undo.append((taken, ()))
        return self._forgotten(taken)

    def forget_content(self, fact_id: str, key: Float[Tensor, " key"], value: Float[Tensor, " value"]) -> ForgetReceipt:
        """Take out a fact whose content the log does not keep, by giving the content again.

        Raises:
            ValueError: If there is no such fact, or the memory does not hold this content: subtracting what was never
                added would damage every other fact.
        """
        self._check_known([fact_id])
        placed, value = self._checked(key[None], value[None])
        entry = self.store.entries[fact_id]
        other_key = entry.key is not None and not is_close(entry.key, placed[0])
        if other_key or not is_close(self.store.read(placed)[0], value[0].double(), tolerance=0.1):
            raise ValueError(
                f"the content given for fact {fact_id!r} is not what the memory reads there; encode the original text."
            )
        entry.key, entry.value = placed[0], value[0].to("cpu", torch.float64)
        return self.forget([fact_id])

    def undo(self) -> tuple[str, ...]:
        """Take back the last write, update or non-final forget, and return the ids it concerned.

        Raises:
            ValueError: If there is nothing to undo, or the log does not keep what taking a fact out needs.
        """
        if not self._undo:
            raise ValueError("there is nothing to undo; a final `forget` and a reload end the history.")
        kept, written = self._undo[-1]
        present = [name for name in written if name in self]
        self.store.contents(present)
        self._undo.pop()
        for name in present:
            self.store.take_out(name)
        self._put_back(kept)
        return tuple(dict.fromkeys((*written, *kept)))

    def reset(self) -> None:
        """Forget everything, history included."""
        self.store, self._undo = self.empty_copy().store, []

    # Reading

    def read(
        self,
        keys: Float[Tensor, "queries key"],
        *,
        noise: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "queries value"]:
        """What the memory says to these keys, on their device and in their format.

        Args:
            keys: Raw encodings.
            noise: Standard deviation of Gaussian noise on the read weights (the paper's sigma_w).
            generator: Of the noise.
        """
        if noise:
            weights = self.read_weights(keys)
            drawn = torch.randn(weights.shape, generator=generator, dtype=weights.dtype)
            found = (weights + noise * drawn) @ self.matrix()
        else:
            found = self.store.read(self.key_space.place(keys))
        return found.to(keys.device, keys.dtype)

    def read_weights(self, keys: Float[Tensor, "queries key"]) -> Float[Tensor, "queries slots"]:
        """Weights over the slots with which keys are read; of the main bank where facts have spilled."""
        self.store.solve()
        placed, bank = self.key_space.place(keys), self.store.bank
        return bank.weights(placed) if isinstance(bank, SlotBank) else bank.read_weights(placed)

    def matrix(self) -> Float[Tensor, "slots value"]:
        """The memory matrix M in float64."""
        self.store.solve()
        bank = self.store.bank
        return bank.values.double() if isinstance(bank, SlotBank) else bank.matrix()

    def generate(self, count: int, *, generator: torch.Generator | None = None) -> Float[Tensor, "count value"]:
        """Values drawn from the memory without a query: weights from N(0, I) (Larimar Alg. 1)."""
        matrix = self.matrix()
        return torch.randn(count, len(matrix), generator=generator, dtype=torch.float64) @ matrix

    def nearest(self, keys: Float[Tensor, "queries key"], count: int = 1) -> list[list[tuple[str, float]]]:
        """Ids of the facts whose keys are nearest, with their cosines, nearest first.

        Raises:
            ValueError: If the log keeps no keys.
        """
        stored = self.store.keys()
        if stored is None:
            raise ValueError("the log keeps no keys (log='none'), so no fact can be named; use log='keys'.")
        if not len(stored):
            return [[] for _ in keys]
        names, unit = self.ids, torch.nn.functional.normalize
        cosines = unit(self.key_space.place(keys), dim=-1) @ unit(stored, dim=-1).mT
        best = cosines.topk(min(count, len(names)), dim=-1)
        rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [[(names[i], cosine) for i, cosine in zip(*row, strict=True)] for row in rows]

    def residuals(self) -> dict[str, float]:
        """Relative error ``||read(key) - value|| / ||value||`` of every fact.

        Raises:
            ValueError: If the log keeps no content.
        """
        keys, values = self.store.contents(self.ids)
        if not len(keys):
            return {}
        error = (self.store.read(keys) - values).norm(dim=-1) / values.norm(dim=-1).clamp(min=1e-300)
        return dict(zip(self.ids, error.tolist(), strict=True))

    def capacity(self) -> Capacity:
        """How full the memory is, and how well its system can be solved."""
        bank, spilled = self.store.bank, self.store.spill.used if self.store.spill else 0
        sizes = {"used": len(self), "num_slots": self.store.num_slots, "spilled": spilled}
        if isinstance(bank, SlotBank):
            return Capacity(**sizes, rank=bank.used, key_rank=bank.num_slots, condition=1.0, ridge=0.0)
        values, ridge = torch.linalg.eigvalsh(bank.gram).clamp(min=0), bank.ridge_now()
        rank = int((values > values[-1] * len(values) * torch.finfo(values.dtype).eps).sum())
        condition = float((values[-1] + ridge) / (values[0] + ridge)) if ridge else float("inf")
        key_rank = min(bank.references.shape)
        return Capacity(**sizes, rank=rank, key_rank=key_rank, condition=condition if bank.used else 1.0, ridge=ridge)

    # Whole memories

    def merge(self, other: "EpisodicMemory") -> None:
        """Take in all facts of another memory; facts that both hold with the same id and content count once.

        Raises:
            ValueError: If the memories do not fit together, or an id stands for different facts; nothing is merged
                then.
        """
        merge_into(self.store, other.store, encoders=(self.encoder, other.encoder))

    def diff(self, other: "EpisodicMemory") -> MemoryDiff:
        """Facts that differ between two memories.

        Raises:
            ValueError: If a fact of both cannot be compared, since a log keeps no content.
        """
        return difference(self.store, other.store)

    def clone(self) -> "EpisodicMemory":
        """An independent copy."""
        return copy.deepcopy(self)

    def empty_copy(self) -> "EpisodicMemory":
        """A memory of the same settings and references without facts."""
        bank = self.store.bank
        given = bank.references if isinstance(bank, LeastSquaresBank) and self.store.has_given_references else None
        return EpisodicMemory(self.config, key_space=self.key_space, references=given, encoder=self.encoder)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> Path:
        """Write the memory as one file into a folder; an older one stays readable until the new one is whole."""
        from memory_llm.larimar.memory_file import save_memory

        return save_memory(self, folder)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], *, encoder: str | None = None) -> "EpisodicMemory":
        """Read a memory.

        Args:
            folder: Where it was saved.
            encoder: Fingerprint of the encoder in use; another one than the file's is refused.

        Raises:
            FileNotFoundError: If there is no memory.
            ValueError: If the file is cut short, foreign, of another version, or was written by another encoder.
        """
        from memory_llm.larimar.memory_file import load_memory

        return load_memory(folder, encoder=encoder)

    # Checks

    def _checked(
        self, keys: Float[Tensor, "facts key"], values: Float[Tensor, "facts value"]
    ) -> tuple[Float[Tensor, "facts key"], Float[Tensor, "facts value"]]:
        wanted = (self.config.key_width, self.config.value_width)
        if keys.shape[1:] != wanted[:1] or values.shape[1:] != wanted[1:] or len(keys) != len(values):
            raise ValueError(
                f"`keys` and `values` must have shapes [n, {wanted[0]}] and [n, {wanted[1]}], "
                f"got {list(keys.shape)} and {list(values.shape)}."
            )
        return self.key_space.place(keys), finite(values, "values")

    def _names(self, ids: Sequence[str] | None, count: int) -> list[str]:
        if ids is None:
            names: list[str] = []
            while len(names) < count:
                if str(self._next_id) not in self:
                    names.append(str(self._next_id))
                self._next_id += 1
            return names
        names = list(ids)
        taken = [name for name in names if name in self] or [name for name in names if names.count(name) > 1]
        if taken:
            raise ValueError(f"the id {taken[0]!r} is taken; use another, or `update` to change that fact.")
        if len(names) != count:
            raise ValueError(f"`ids` must name each of the {count} facts, got {len(names)}.")
        return names

    def _check_known(self, ids: Sequence[str]) -> None:
        for name in ids:
            if name not in self:
                raise ValueError(f"no fact has the id {name!r}; the memory holds {len(self)} facts.")

    # Bookkeeping

    def _put_back(self, kept: dict[str, Entry]) -> None:
        for name, entry in kept.items():
            self.store.put_back(name, entry)

    def _purge(self, ids: Sequence[str]) -> None:
        """Cut the history before which forgotten facts would come back."""
        gone = set(ids)
        self._undo = [step for step in self._undo if not gone & {*step[0], *step[1]}]

    def _written(self, ids: Sequence[str], replaced: Sequence[str]) -> WriteReceipt:
        return WriteReceipt(ids=tuple(ids), replaced=tuple(replaced), used=len(self), num_slots=self.store.num_slots)

    def _forgotten(self, taken: dict[str, Entry]) -> ForgetReceipt:
        leak = 0.0
        if len(self) and taken:
            keys, values = (torch.stack([getattr(one, part) for one in taken.values()]) for part in ("key", "value"))
            leak = float(torch.nn.functional.cosine_similarity(self.store.read(keys), values, dim=-1).abs().max())
        return ForgetReceipt(ids=tuple(taken), leak=leak, condition=self.capacity().condition)
