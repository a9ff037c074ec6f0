"""Endless, seeded orders of rows, and loaders whose every optimiser step has a full batch.

Which row is drawn at a position follows from seed, stream and position alone. So a resumed run draws what the whole one
would have drawn without any sampler's state, and the rows of a step do not depend on over how many processes they are
spread.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import Trainer

from safe_finetune.rows.encoded_rows import EncodedRow


class CyclicOrder:
    """A new permutation of the rows for every pass over them.

    Args:
        num_rows: Of the set.
        seed: Of the run.
        stream: Tells two streams of one run apart.
    """

    def __init__(self, num_rows: int, seed: int, stream: int = 0):
        self.num_rows, self.seed, self.stream = num_rows, seed, stream
        self._passes: dict[int, Any] = {}

    def __getitem__(self, position: int) -> int:
        """Row at a position, both from 0."""
        number, place = divmod(position, self.num_rows)
        if number not in self._passes:
            # Workers of a loader may still be in the pass before.
            self._passes = {known: rows for known, rows in self._passes.items() if known == number - 1}
            drawn = np.random.default_rng([self.seed, self.stream, number])
            self._passes[number] = drawn.permutation(self.num_rows)
        return int(self._passes[number][place])


class PositionSampler(Sampler[int]):
    """Positions of the epoch that the trainer is in, step by step; within a step by length.

    So batches that are accumulated hold items of like length, which pads them less, and a step has the same items.

    Args:
        num_steps: Of an epoch.
        step_size: Items of a step.
        epoch: Which one the trainer is in.
        length: Of the item at a position.
    """

    def __init__(self, num_steps: int, step_size: int, epoch: Callable[[], int], length: Callable[[int], int]):
        self.num_steps, self.step_size = num_steps, step_size
        self._epoch, self._length = epoch, length

    def __len__(self) -> int:
        return self.num_steps * self.step_size

    def __iter__(self) -> Iterator[int]:
        first = self._epoch() * len(self)
        for start in range(first, first + len(self), self.step_size):
            yield from sorted(range(start, start + self.step_size), key=self._length)


def rows_a_step(trainer: Trainer) -> int:
    """Rows of one optimiser step over all processes and accumulated batches."""
    args = trainer.args
    if args.n_gpu > 1:
        raise ValueError(
            f"one process sees {args.n_gpu} GPUs; start one process a GPU (`accelerate launch`), or show it one GPU."
        )
    return args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size


def longest(rows: Iterable[EncodedRow | None]) -> int:
    """Tokens of the longest of those that are there."""
    return max(len(row.input_ids) for row in rows if row is not None)


def stream_loader(
    trainer: Trainer,
    num_rows: int,
    dataset: Dataset[Any],
    collate: Callable[[list[Any]], Any],
    length: Callable[[Any], int] = longest,
) -> Any:
    """A prepared loader over a dataset that is indexed by position.

    Args:
        trainer: Whose epochs and processes are followed.
        num_rows: An epoch is the least number of full steps that draws so many; the next one goes on where it ends.
        dataset: Gives the item of any position.
        collate: Makes a batch of items.
        length: Of an item, by which those of a step are sorted; of an item of several rows the longest.
    """
    args = trainer.args
    steps = math.ceil(num_rows / rows_a_step(trainer))
    loader = DataLoader(
        dataset,
        batch_size=args.per_device_train_batch_size,
        sampler=PositionSampler(
            steps, rows_a_step(trainer), lambda: trainer.state.global_step // steps, lambda at: length(dataset[at])
        ),
        collate_fn=collate,
        num_workers=args.dataloader_num_workers,
        pin_memory=args.dataloader_pin_memory,
    )
    return trainer.accelerator.prepare(loader)
