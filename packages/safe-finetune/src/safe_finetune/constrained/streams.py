"""Task rows, with safety rows evenly among them."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Dataset

from safe_finetune.rows.encoded_rows import EncodedRow, EncodedRows, collate_rows
from safe_finetune.sft.streams import CyclicOrder


class Drawn(NamedTuple):
    """A task row, and the safety row that comes with it, if one does."""

    task: EncodedRow
    safety: EncodedRow | None


class MixedRows(Dataset[Drawn]):
    """By position; of any ``n`` positions in a row, ``fraction x n`` have a safety row, one more or one less.

    Args:
        task: Rows of the task.
        safety: Safety rows, or none.
        fraction: Safety rows a task row.
        seed: Of both orders.
    """

    def __init__(self, task: EncodedRows, safety: EncodedRows | None, fraction: float, seed: int):
        self.task, self.safety, self.fraction = task, safety, fraction
        self._task_order = CyclicOrder(len(task), seed, 0)
        self._safety_order = CyclicOrder(len(safety), seed, 1) if safety else None

    def __getitem__(self, position: int) -> Drawn:
        task = self.task[self._task_order[position]]
        number = int(self.fraction * position)
        if self.safety is None or self._safety_order is None or int(self.fraction * (position + 1)) == number:
            return Drawn(task, None)
        return Drawn(task, self.safety[self._safety_order[number]])


def collate_mixed(drawn: Sequence[Drawn]) -> dict[str, Int[Tensor, "..."]]:
    """One batch: the task rows, then the safety rows there are."""
    return collate_rows([one.task for one in drawn] + [one.safety for one in drawn if one.safety is not None])
