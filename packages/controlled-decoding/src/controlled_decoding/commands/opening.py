"""What the options of several verbs name: models, number formats and subspaces."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from controlled_decoding.subspace import SubspaceClassifier
    from gpu_commons.models import LoadedModel

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
DEFAULT_MODEL = "bundled:smollm2-135m-instruct"


def load(source: str, dtype: str) -> "LoadedModel":
    """A model by hub id, folder, .gguf file or bundled:NAME."""
    from gpu_commons import load_model

    return load_model(source, dtype=dtype)


def open_subspace(source: str) -> "SubspaceClassifier":
    """A subspace by folder or hub id."""
    from controlled_decoding.subspace import SubspaceClassifier

    return SubspaceClassifier.from_pretrained(source)


def open_subspaces(sources: str) -> "list[SubspaceClassifier]":
    """Several with commas between."""
    return [open_subspace(source) for source in sources.split(",")]
