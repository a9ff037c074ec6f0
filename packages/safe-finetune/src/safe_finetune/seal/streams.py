"""The two streams of a run: fine-tuning rows and safe rows, side by side."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Dataset

from safe_finetune.rows.encoded_rows import EncodedRow, EncodedRows, collate_rows
from safe_finetune.sft.streams import CyclicOrder


class Pair(NamedTuple):
    """A fine-tuning row and the safe row drawn with it."""

    tune: EncodedRow
    safe: EncodedRow


class PairedRows(Dataset[Pair]):
    """Pairs by position; each stream has its own order, and the shorter one begins anew when it is through.

    Differs from the released code, whose zip of two loaders ends with the shorter one.
    """

    def __init__(self, tune: EncodedRows, safe: EncodedRows, seed: int):
        self.tune, self.safe = tune, safe
        self._tune_order, self._safe_order = CyclicOrder(len(tune), seed, 0), CyclicOrder(len(safe), seed, 1)

    def __getitem__(self, position: int) -> Pair:
        return Pair(self.tune[self._tune_order[position]], self.safe[self._safe_order[position]])


def collate_pairs(pairs: Sequence[Pair]) -> dict[str, Int[Tensor, "..."]]:
    """One batch: the fine-tuning rows, then the safe rows."""
    return collate_rows([pair.tune for pair in pairs] + [pair.safe for pair in pairs])
