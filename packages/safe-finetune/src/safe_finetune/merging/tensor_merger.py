"""One tensor of several models, read, combined and written piece by piece."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gpu_commons.shards import Checkpoint, ShardWriter, TensorEntry
from safe_finetune.merging.agreement import Source, is_weight
from safe_finetune.merging.method import Block, Settings
from safe_finetune.merging.methods import METHODS
from safe_finetune.merging.recipe import MergeRecipe
from safe_finetune.merging.tensors import BLOCK, READ_AT_ONCE, MergedTensor, read_numbers, rounded


class TensorMerger:
    """Takes one tensor after the other from sources to a writer.

    Args:
        recipe: What and how.
        models: The sources, in the recipe's order.
        base: That of the recipe, if there is one.
        writer: Of the merged model.
    """

    def __init__(self, recipe: MergeRecipe, models: Sequence[Source], base: Source | None, writer: ShardWriter):
        self.recipe, self.models, self.base, self.writer = recipe, models, base, writer
        self.method = METHODS[recipe.method]

    def write(self, entry: TensorEntry) -> None:
        """Merge a tensor, or copy it if it is no weight, and note it as finished.

        Raises:
            ValueError: If a number is not finite or beyond the result's dtype, or what is to be copied differs between
                the models.
        """
        if is_weight(entry.name, self.models[0]):
            settings = Settings(
                weights=tuple(model.weight.at(entry.name, self.models[0].num_layers) for model in self.recipe.models),
                densities=tuple(model.density for model in self.recipe.models),
                seed=self.recipe.seed,
            )
            self._write_merged(entry, settings)
        else:
            self._write_copy(entry)
        self.writer.finish(entry.name)

    def _write_merged(self, entry: TensorEntry, settings: Settings) -> None:
        readers = [source.tensors for source in self.models]
        base = self.base.tensors if self.base else None
        everywhere = min(one.entries[entry.name].num_elements for one in [*readers, *([base] if base else [])])
        tensor = MergedTensor(entry.name, readers, base, min(everywhere, entry.num_elements))
        combine = self.method.combination(tensor, settings)
        for number, blocks, base_block in tensor:
            merged = combine(number, blocks, base_block)
            self.writer.write(entry.name, number * BLOCK, rounded(merged, entry))
        self._write_rows_of_some(entry, settings, tensor.num_elements)

    def _write_rows_of_some(self, entry: TensorEntry, settings: Settings, start: int) -> None:
        """Rows that not all have are the average, by weight, of those that have them."""
        while start < entry.num_elements:
            having = [
                (source.tensors, weight)
                for source, weight in zip(self.models, settings.weights, strict=True)
                if source.tensors.entries[entry.name].num_elements > start
            ]
            end = min(one.entries[entry.name].num_elements for one, _ in having)
            end = min(end, start + READ_AT_ONCE, entry.num_elements)
            weights = np.array([weight for _, weight in having])
            weights = weights / weights.sum() if weights.sum() else np.full(len(having), 1 / len(having))
            total = sum(
                weight * _numbers(one, entry.name, start, end) for (one, _), weight in zip(having, weights, strict=True)
            )
            self.writer.write(entry.name, start, rounded(np.asarray(total), entry))
            start = end

    def _write_copy(self, entry: TensorEntry) -> None:
        first = self.models[0].tensors
        for start in range(0, entry.num_elements, READ_AT_ONCE):
            end = min(start + READ_AT_ONCE, entry.num_elements)
            raw = _raw(first, entry.name, start, end)
            for other in self.models[1:]:
                if not np.array_equal(raw, _raw(other.tensors, entry.name, start, end)):
                    raise ValueError(
                        f"{entry.name!r} of dtype {entry.dtype} is no weight and differs between {self.models[0].name} and "
                        f"{other.name}; make it equal in both, since it cannot be averaged."
                    )
            self.writer.write(entry.name, start, raw)


def _numbers(tensors: Checkpoint, name: str, start: int, end: int) -> Block:
    return read_numbers(tensors, name, start, _raw(tensors, name, start, end), np.empty(end - start))


def _raw(tensors: Checkpoint, name: str, start: int, end: int) -> NDArray[np.uint8]:
    raw = np.empty((end - start) * tensors.entries[name].item_bytes, np.uint8)
    tensors.read_into(name, start, raw)
    return raw
