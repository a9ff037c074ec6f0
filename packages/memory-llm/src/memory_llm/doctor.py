"""Whether the package is whole, and which memories a model can have."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gpu_commons.findings import Finding, tried
from gpu_commons.installation import examine_installation

if TYPE_CHECKING:
    from gpu_commons.kv_cache import CacheShape
    from gpu_commons.models import LoadedModel

EXTRAS = {"train": "EpMAN's adapters", "bm25": "BM25 as EpMAN's retriever"}
MODELS = ("smollm2-135m-instruct", "minilm")


def examine(model: str | None = None, *, dtype: str = "auto") -> list[Finding]:
    """Look at the installation and, if one is named, at a decoder.

    With a package missing that is needed, that is all that is looked at.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME of the decoder.
        dtype: Its number format.
    """
    findings = examine_installation("memory-llm", extras=EXTRAS, models=MODELS)
    if model is None or any(finding.blocking for finding in findings):
        return findings
    from gpu_commons.model_findings import examine_model

    loaded, found = examine_model(model, dtype=dtype)
    return findings + found + ([] if loaded is None else _memories(loaded))


def _memories(loaded: "LoadedModel") -> list[Finding]:
    """Each memory is tried; a model that cannot have one of them may have another, and blocks if it can have none."""
    ways: dict[str, Callable[[LoadedModel], str]] = {
        "larimar": _larimar,
        "epman": _epman,
        "epman train": _epman_training,
        "memreasoner": _memreasoner,
    }
    findings = [tried(name, partial(way, loaded), str)[1] for name, way in ways.items()]
    return [replace(finding, blocking=all(each.advice for each in findings)) for finding in findings]


def _larimar(loaded: "LoadedModel") -> str:
    from memory_llm.larimar.connector import prefix_shape

    return _prefix(prefix_shape(loaded.model))


def _epman(loaded: "LoadedModel") -> str:
    from memory_llm.epman.chunk_reader import ChunkReader
    from memory_llm.epman.config import EpMANConfig

    config = EpMANConfig()
    ChunkReader(config, *loaded)
    return f"chunks of {config.chunk_size} tokens fit its window, and their keys can be moved"


def _epman_training(loaded: "LoadedModel") -> str:
    from memory_llm.epman.gated_attention import attention_route

    with attention_route(loaded.model):
        return "its attention takes gates"


def _memreasoner(loaded: "LoadedModel") -> str:
    from gpu_commons.kv_cache import cache_shape

    return _prefix(cache_shape(loaded.model))


def _prefix(shape: "CacheShape") -> str:
    return f"its cache takes a prefix: {shape.layers} layers of {shape.heads} heads of width {shape.head_dim}"
