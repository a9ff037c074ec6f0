"""Whether models can be merged: everything that does not fit, found before a byte is written, in one message."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_commons.shards import FLOATS, Checkpoint
from safe_finetune.merging.json_object import read_json_object
from safe_finetune.merging.vocabulary import vocabulary_differences

logger = logging.getLogger(__name__)
_SAME = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
)
_POSITIONS = (
    "rope_theta",
    "rope_type",
    "factor",
    "low_freq_factor",
    "high_freq_factor",
    "full_attention",
    "sliding_attention",
    "rms_norm_eps",
    "layer_norm_eps",
    "partial_rotary_factor",
)
_HEAD = "lm_head.weight"


@dataclass(frozen=True, slots=True)
class Source:
    """A model on disk.

    Attributes:
        name: As it was given.
        tensors: Its weights.
        settings: Its config.json, empty if there is none.
    """

    name: str
    tensors: Checkpoint
    settings: dict[str, Any]

    @classmethod
    def open(cls, name: str, folder: Path) -> "Source":
        """Read headers and config."""
        file = folder / "config.json"
        return cls(name, Checkpoint(folder), read_json_object(file) if file.is_file() else {})

    @property
    def num_layers(self) -> int:
        """Of the decoder; 1 if the config does not say."""
        return int(self.settings.get("num_hidden_layers", 1))

    @property
    def tied(self) -> bool:
        """Whether the output head is the table of embeddings."""
        return bool(self.settings.get("tie_word_embeddings", False))


def check_agreement(sources: Sequence[Source], policy: str) -> list[str]:
    """Names of the tensors to be merged, in the first model's order.

    A head that a config ties to the embeddings does not count. Differences that make a merge doubtful but not
    impossible are logged as warnings.

    Raises:
        ValueError: If the models do not fit; the message lists everything.
    """
    first = sources[0]
    for source in sources:
        if "quantization_config" in source.settings:
            raise ValueError(
                f"{source.name} is quantised, and its codes are no weights; merge the model it was made of."
            )
    findings = [one for other in sources[1:] for one in _differing_settings(first, other)]
    names = [name for name in first.tensors.entries if not (name == _HEAD and first.tied)]
    for other in sources[1:]:
        findings += _differing_tensors(first, other, names, policy)
    folders = [source.tensors.folder for source in sources]
    differences = [one for folder in folders[1:] for one in vocabulary_differences(folders[0], folder, policy)]
    if findings or (differences and policy == "strict"):
        raise ValueError("these models do not fit together:\n  " + "\n  ".join([*findings, *differences]))
    for difference in differences:  # a policy says what becomes of rows, not of what they mean
        logger.warning("%s", difference)
    _warn(sources, names)
    return names


def _differing_settings(first: Source, other: Source) -> list[str]:
    pairs = [(key, first.settings.get(key), other.settings.get(key)) for key in _SAME]
    return [
        f"{key} is {mine!r} in {first.name} and {theirs!r} in {other.name}; only models of one shape can be merged."
        for key, mine, theirs in pairs
        if mine is not None and theirs is not None and mine != theirs
    ]


def _differing_tensors(first: Source, other: Source, names: Sequence[str], policy: str) -> list[str]:
    mine, theirs = first.tensors.entries, other.tensors.entries
    ignored = {_HEAD} if first.tied or other.tied else set()
    findings = []
    for has, lacks, missing in (
        (first, other, mine.keys() - theirs.keys()),
        (other, first, theirs.keys() - mine.keys()),
    ):
        if absent := sorted(missing - ignored):
            findings.append(
                f"{lacks.name} lacks {len(absent)} tensors that {has.name} has, such as {absent[0]!r}; they are not "
                "fine-tuned from the same model."
            )
    if first.tied != other.tied and _HEAD in mine.keys() | theirs.keys():
        findings.append(
            f"one of {first.name} and {other.name} ties its head to the embeddings and the other does not; save both "
            "the same way."
        )
    for name in names:
        if name not in theirs or mine[name].shape == theirs[name].shape:
            continue
        rows_alone = (
            len(mine[name].shape) == len(theirs[name].shape) > 0 and mine[name].shape[1:] == theirs[name].shape[1:]
        )
        if not (rows_alone and policy != "strict" and _is_vocabulary(name, mine[name].shape, first)):
            remedy = "choose vocab_policy cut or pad" if rows_alone else "only tensors of one shape can be merged"
            findings.append(
                f"{name!r} has shape {mine[name].shape} in {first.name} and {theirs[name].shape} in {other.name}; {remedy}."
            )
    return findings


def _is_vocabulary(name: str, shape: Sequence[int], source: Source) -> bool:
    return name == _HEAD or "embed" in name or shape[0] == source.settings.get("vocab_size")


def _warn(sources: Sequence[Source], names: Sequence[str]) -> None:
    first = sources[0]
    for other in sources[1:]:
        for key in _POSITIONS:
            mine, theirs = (_positions(source.settings).get(key) for source in (first, other))
            if mine != theirs and mine is not None and theirs is not None:
                logger.warning(
                    "%s is %s in %s and %s in %s: their weights expect different positions or norms.",
                    key, mine, first.name, theirs, other.name,
                )  # fmt: skip
    if _is_mixture(first.settings) and (routers := [name for name in names if "router" in name or ".gate." in name]):
        logger.warning("%s routes tokens to experts (%s): averaging routers may break it.", first.name, routers[0])


def _positions(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those of rotary positions beside the others: before transformers 5 they stood in two places."""
    inner = settings.get("rope_parameters") or settings.get("rope_scaling") or {}
    return {**settings, **inner} if isinstance(inner, Mapping) else dict(settings)


def _is_mixture(settings: Mapping[str, Any]) -> bool:
    return any(settings.get(key) for key in ("num_local_experts", "num_experts", "n_routed_experts"))


def is_weight(name: str, source: Source) -> bool:
    """Whether a tensor is merged; buffers of whole numbers, and frequencies of rotary positions, are copied."""
    return source.tensors.entries[name].dtype in FLOATS and not name.endswith("inv_freq")
