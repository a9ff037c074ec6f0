"""The tokenizer that an option of the command line names."""

from typing import Any


def load_tokenizer(source: str) -> Any:
    """Of a hub id, a folder or bundled:NAME."""
    from transformers import AutoTokenizer

    from gpu_commons import bundled_path

    return AutoTokenizer.from_pretrained(
        bundled_path(source.removeprefix("bundled:")) if source.startswith("bundled:") else source
    )
