"""A memory as one safetensors file: tensors, and a JSON header with settings and log.

One file, so that replacing it is one rename: whenever a write is killed, the former memory or the new one is whole.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from memory_llm.larimar.addressing import KeySpace
from memory_llm.larimar.fact_store import Entry, FactStore
from memory_llm.larimar.least_squares_bank import LeastSquaresBank
from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.larimar.memory_config import MemoryConfig
from memory_llm.larimar.slot_bank import SlotBank

MEMORY_FILE = "memory.safetensors"
FORMAT = "memory-llm episodic memory"
FORMAT_VERSION = 1
_SLOT_TENSORS = ("keys", "values", "occupied")
_SUM_TENSORS = ("references", "gram", "moment")


def save_memory(memory: EpisodicMemory, folder: str | os.PathLike[str]) -> Path:
    """Write a memory into a folder (made if needed), aside and then renamed."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    store = memory.store
    tensors = _bank_tensors("bank", store.bank) | (_bank_tensors("spill", store.spill) if store.spill else {})
    for part in ("key", "value"):
        rows = [getattr(entry, part) for entry in store.entries.values() if getattr(entry, part) is not None]
        if rows:
            tensors[f"log.{part}s"] = torch.stack(rows)
    if memory.key_space.mean is not None:
        tensors["key_mean"] = memory.key_space.mean
    header = {
        "format_version": FORMAT_VERSION,
        "config": asdict(memory.config),
        "encoder": memory.encoder,
        "unit_keys": memory.key_space.unit,
        "given_references": store.has_given_references,
        "used": store.bank.used,
        "log": [_log_line(name, entry) for name, entry in store.entries.items()],
    }
    aside = target / f"{MEMORY_FILE}.partial"
    save_file(
        {name: t.contiguous() for name, t in tensors.items()}, aside, {"format": FORMAT, "memory": json.dumps(header)}
    )
    os.replace(aside, target / MEMORY_FILE)
    return target / MEMORY_FILE


def load_memory(folder: str | os.PathLike[str], *, encoder: str | None = None) -> EpisodicMemory:
    """Read a memory; see :meth:`EpisodicMemory.from_pretrained`."""
    path = Path(folder) / MEMORY_FILE if Path(folder).is_dir() else Path(folder)
    if not path.is_file():
        raise FileNotFoundError(f"no memory at {path.absolute()}; `memory-llm larimar write` makes one.")
    header, tensors = _read(path)
    if header.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {header.get('format_version')}, this package reads {FORMAT_VERSION}; update memory-llm."
        )
    if encoder is not None and header["encoder"] is not None and header["encoder"] != encoder:
        raise ValueError(
            f"{path} was written by encoder {header['encoder']}, but this is {encoder}; its keys mean nothing here, so use "
            "that encoder or write the facts anew."
        )
    try:
        return _memory(header, tensors)
    except (KeyError, TypeError, IndexError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); restore it from a copy.") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(f"{path} is a safetensors file, but not an episodic memory; give the folder of one.")
            return json.loads(metadata["memory"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, KeyError) as error:
        raise ValueError(f"{path} is cut short or damaged ({error}); restore it from a copy.") from error


def _memory(header: Mapping[str, Any], tensors: dict[str, Tensor]) -> EpisodicMemory:
    config = MemoryConfig(**header["config"])
    is_sums = "bank.gram" in tensors
    # Growing changed the number of slots since the config was made.
    grown = MemoryConfig(**{**header["config"], "num_slots": len(tensors["bank.references"])}) if is_sums else config
    memory = EpisodicMemory(
        grown,
        key_space=KeySpace(mean=tensors.get("key_mean"), unit=header["unit_keys"]),
        references=tensors["bank.references"] if is_sums else None,
        encoder=header["encoder"],
    )
    store = memory.store
    memory.config = store.config = config
    store.has_given_references = header["given_references"]
    _fill(store.bank, "bank", tensors)
    if isinstance(store.bank, LeastSquaresBank):
        store.bank.used = header["used"]
    if "spill.keys" in tensors:
        store.spill = SlotBank(len(tensors["spill.keys"]), config.key_width, config.value_width)
        _fill(store.spill, "spill", tensors)
    _restore_log(store, header["log"], tensors)
    return memory


def _bank_tensors(prefix: str, bank: SlotBank | LeastSquaresBank) -> dict[str, Tensor]:
    names = _SLOT_TENSORS if isinstance(bank, SlotBank) else _SUM_TENSORS
    return {f"{prefix}.{name}": getattr(bank, name) for name in names}


def _fill(bank: SlotBank | LeastSquaresBank, prefix: str, tensors: Mapping[str, Tensor]) -> None:
    if isinstance(bank, SlotBank):
        bank.fill(*(tensors[f"{prefix}.{name}"] for name in _SLOT_TENSORS))
        return
    for name in _SUM_TENSORS:
        setattr(bank, name, tensors[f"{prefix}.{name}"])


def _log_line(name: str, entry: Entry) -> dict[str, Any]:
    kept = [part for part in ("key", "value") if getattr(entry, part) is not None]
    return {"id": name, "slot": entry.slot, "spilled": entry.spilled, "text": entry.text, "kept": kept}


def _restore_log(store: FactStore, log: list[dict[str, Any]], tensors: Mapping[str, Tensor]) -> None:
    rows = {part: iter(tensors.get(f"log.{part}s", ())) for part in ("key", "value")}
    for line in log:
        content = {part: next(rows[part]) for part in line["kept"]}
        store.restore(line["id"], Entry(slot=line["slot"], spilled=line["spilled"], text=line["text"], **content))
