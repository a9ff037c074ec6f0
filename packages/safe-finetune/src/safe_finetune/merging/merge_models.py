"""Merging models on disk, in memory that does not depend on their size.

Every source is read once (twice or more by methods that need a whole tensor first), in pieces; numbers are combined in
float64 and rounded once. A killed merge goes on where it was, to the same bytes.
"""

import hashlib
import os
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from gpu_commons.shards import ShardWriter, TensorEntry, plan_shards
from safe_finetune.merging.agreement import Source, check_agreement, is_weight
from safe_finetune.merging.locate import locate
from safe_finetune.merging.model_files import write_model_files
from safe_finetune.merging.recipe import MergeRecipe
from safe_finetune.merging.sameness import check_sameness
from safe_finetune.merging.tensor_merger import TensorMerger

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did.

    Attributes:
        folder: The merged model.
        num_merged: Tensors that were combined.
        num_copied: Tensors that were copied, such as buffers of whole numbers.
        num_found: Tensors of these that an earlier, killed process had finished.
        num_bytes: Of all tensors.
        seconds: Of this process.
        sha256: Of each file of weights.
    """

    folder: Path
    num_merged: int
    num_copied: int
    num_found: int
    num_bytes: int
    seconds: float
    sha256: dict[str, str]


def merge(
    recipe: MergeRecipe,
    output_dir: str | os.PathLike[str],
    *,
    tokenizer_from: str | None = None,
    max_shard_size: str = "5GB",
    progress: bool = False,
) -> MergeReport:
    """Merge models into a folder.

    Args:
        recipe: What and how.
        output_dir: Must not be there yet.
        tokenizer_from: Which of the sources gives tokenizer, chat template and config; the last model if absent, which
            for MergeAlign is the aligned one (another chat template alone can undo refusals).
        max_shard_size: Of a file of weights, such as "5GB".
        progress: Show a bar on stderr.

    Raises:
        FileExistsError: If the folder is there.
        FileNotFoundError: If a source has no safetensors.
        OSError: If the disk has no room; what was written until then stays aside, and the next merge by the same recipe
            goes on from there.
        ValueError: If the models do not fit together, a file is damaged, or a number is not finite; nothing stays.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        models = [Source.open(model.path, locate(model.path)) for model in recipe.models]
        base = Source.open(recipe.base, locate(recipe.base)) if recipe.base else None
        sources = [*models, *([base] if base else [])]
        for source in sources:
            stack.enter_context(source.tensors)
        given = {source.name: source for source in sources}
        if tokenizer_from is not None and tokenizer_from not in given:
            raise ValueError(f"`tokenizer_from` must be one of {', '.join(given)}, got {tokenizer_from!r}.")
        names = check_agreement(sources, recipe.vocab_policy)
        check_sameness(models, base, names)
        planned = [_planned(name, sources, recipe) for name in names]
        layouts = plan_shards(planned, _bytes_of(max_shard_size))
        writer = ShardWriter(output_dir, layouts, _plan_of(recipe, sources, max_shard_size))
        stack.callback(writer.close)
        found = len(writer.written)
        merger = TensorMerger(recipe, models, base, writer)
        try:
            for entry in tqdm(planned, desc="merging", unit="tensor", disable=not progress):
                if entry.name not in writer.written:
                    merger.write(entry)
        except ValueError:  # what mends it, other files or another recipe, makes another plan, which begins anew
            writer.discard()
            raise
        write_model_files(writer.aside, recipe, sources, given[tokenizer_from or models[-1].name], planned)
        sha256 = writer.complete()
    merged = sum(is_weight(name, models[0]) for name in names)
    return MergeReport(
        folder=Path(output_dir),
        num_merged=merged,
        num_copied=len(names) - merged,
        num_found=found,
        num_bytes=sum(entry.num_bytes for entry in planned),
        seconds=time.monotonic() - started,
        sha256=sha256,
    )


def _planned(name: str, sources: Sequence[Source], recipe: MergeRecipe) -> TensorEntry:
    """The tensor as it will be."""
    entries = [source.tensors.entries[name] for source in sources]
    models = entries[: len(recipe.models)]
    rows = {entry.shape[0] for entry in models if entry.shape}
    shape = models[0].shape
    if len(rows) > 1:
        shape = ((min if recipe.vocab_policy == "cut" else max)(rows), *shape[1:])
    dtype = recipe.dtype if recipe.dtype and is_weight(name, sources[0]) else models[0].dtype
    return replace(models[0], shape=shape, dtype=dtype)


def _plan_of(recipe: MergeRecipe, sources: Sequence[Source], max_shard_size: str) -> str:
    """Hash of what decides the bytes; a file that was changed since has another time."""
    digest = hashlib.sha256(f"{recipe.fingerprint}/{max_shard_size}".encode())
    for source in sources:
        for file in sorted({entry.file for entry in source.tensors.entries.values()}):
            stat = file.stat()
            digest.update(f"{source.name}/{file.name}/{stat.st_size}/{stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _bytes_of(size: str) -> int:
    if (found := _SIZE.fullmatch(size)) is None or float(found[1]) <= 0:
        raise ValueError(f"`max_shard_size` must be a size such as 5GB or 500MB, got {size!r}.")
    return int(float(found[1]) * _UNITS[found[2].upper()])
