"""LoRA adapters added to their base's weights on disk, without loading the base."""

import hashlib
import os
import shutil
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from gpu_commons.shards import Checkpoint, ShardWriter, plan_shards
from safe_finetune.merging.adapters import Adapter, check_factors_alone
from safe_finetune.merging.locate import locate
from safe_finetune.merging.tensors import read_numbers, rounded

_ROWS_AT_ONCE = 1 << 20  # elements
_PREFIX = "base_model.model."


def fold_adapters(
    base: str,
    adapters: Sequence[tuple[str | os.PathLike[str], float]],
    output_dir: str | os.PathLike[str],
    *,
    max_shard_bytes: int = 5 * 10**9,
    progress: bool = False,
) -> dict[str, str]:
    """Write W + sum of w s B A for every adapted weight W of a base, rounded once; the rest is copied.

    Args:
        base: Folder or hub id.
        adapters: Folders and weights.
        output_dir: Must not be there yet; a killed run goes on.
        max_shard_bytes: Of a file.
        progress: Show a bar on stderr.

    Returns:
        SHA-256 of each file of weights.

    Raises:
        FileExistsError: If the folder is there.
        FileNotFoundError: If base or an adapter is not.
        ValueError: If an adapter changes what the base does not have, or in another shape, or holds more than factors;
            or if a number is not finite.
    """
    folder = locate(base)
    opened = [(Adapter.open(path), weight) for path, weight in adapters]
    check_factors_alone(opened)
    with Checkpoint(folder) as tensors:
        factors = _factors(opened, tensors)
        names = [entry.name for entry in tensors.entries.values()]
        layouts = plan_shards(tensors.entries.values(), max_shard_bytes)
        writer = ShardWriter(output_dir, layouts, _plan_of(tensors, opened))
        try:
            for name in tqdm(names, desc="folding", unit="tensor", disable=not progress):
                if name not in writer.written:
                    _write(tensors, writer, name, factors.get(name))
            for file in folder.iterdir():
                if file.is_file() and not file.name.endswith((".safetensors", ".index.json", ".bin")):
                    shutil.copyfile(file, writer.aside / file.name)
            return writer.complete()
        except ValueError:  # what mends it makes another plan, which begins anew
            writer.discard()
            raise
        finally:
            writer.close()


Factors = tuple[np.ndarray, np.ndarray]


def _factors(opened: Sequence[tuple[Adapter, float]], tensors: Checkpoint) -> dict[str, Factors]:
    """B and A by the name of the weight, side by side over adapters."""
    found: dict[str, Factors] = {}
    for adapter, weight in opened:
        for module in adapter.modules:
            name = f"{module.removeprefix(_PREFIX)}.weight"
            b, a = (part.numpy() for part in adapter.factors(module))
            shape = (b.shape[0], a.shape[1])
            if name not in tensors.entries or tensors.entries[name].shape != shape:
                there = tensors.entries[name].shape if name in tensors.entries else "not there"
                raise ValueError(
                    f"{adapter.folder} changes {name!r} of shape {shape}, which is {there} in the base; name the base it was trained on."
                )
            before = found.get(name, (np.zeros((shape[0], 0)), np.zeros((0, shape[1]))))
            found[name] = (np.hstack([before[0], weight * b]), np.vstack([before[1], a]))
    return found


def _write(tensors: Checkpoint, writer: ShardWriter, name: str, factors: Factors | None) -> None:
    entry = tensors.entries[name]
    width = entry.shape[-1] if factors else 1
    step = max(_ROWS_AT_ONCE // width, 1) * width
    for start in range(0, entry.num_elements, step):
        count = min(step, entry.num_elements - start)
        raw = np.empty(count * entry.item_bytes, np.uint8)
        tensors.read_into(name, start, raw)
        if factors:
            numbers = read_numbers(tensors, name, start, raw, np.empty(count))
            b, a = factors
            numbers += (b[start // width : (start + count) // width] @ a).ravel()
            raw = rounded(numbers, entry)
        writer.write(name, start, raw)
    writer.finish(name)


def _plan_of(tensors: Checkpoint, opened: Sequence[tuple[Adapter, float]]) -> str:
    digest = hashlib.sha256()
    for file in sorted({entry.file for entry in tensors.entries.values()}):
        digest.update(f"{file.name}/{file.stat().st_size}/{file.stat().st_mtime_ns}".encode())
    for adapter, weight in opened:
        stat = (adapter.folder / "adapter_model.safetensors").stat()
        digest.update(f"{adapter.folder}/{weight}/{stat.st_size}/{stat.st_mtime_ns}".encode())
    return digest.hexdigest()
