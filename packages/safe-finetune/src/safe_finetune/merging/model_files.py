"""What lies beside the weights of a merged model: config, tokenizer, recipe and card."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpu_commons.shards import TensorEntry
from safe_finetune.merging.agreement import Source
from safe_finetune.merging.recipe import MergeRecipe

RECIPE_FILE = "merge_recipe.json"
_TOKENIZER_FILES = (
    "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "chat_template*", "*.model",
)  # fmt: skip
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def write_model_files(
    folder: Path,
    recipe: MergeRecipe,
    sources: Sequence[Source],
    tokenizer_from: Source,
    planned: Sequence[TensorEntry],
) -> None:
    """Put them into a folder.

    Args:
        folder: Of the merged model.
        recipe: It is written beside the weights, and told in the card.
        sources: Models, and the base if there is one.
        tokenizer_from: Whose tokenizer, chat template, config and generation settings it gets.
        planned: Its tensors, which decide what its config says of dtype and vocabulary.
    """
    settings = dict(tokenizer_from.settings)
    if settings:
        _write_json(folder / "config.json", settings | _of_tensors(settings, planned))
    origin = tokenizer_from.tensors.folder
    for pattern in (*_TOKENIZER_FILES, "generation_config.json"):
        for file in origin.glob(pattern):
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
    _write_json(folder / RECIPE_FILE, asdict(recipe))
    (folder / "README.md").write_text(_card(recipe, sources, tokenizer_from), encoding="utf-8")


def _of_tensors(settings: Mapping[str, Any], planned: Sequence[TensorEntry]) -> dict[str, Any]:
    """Settings that the tensors decide, of those that the config has."""
    largest = max(planned, key=lambda entry: entry.num_bytes)
    found: dict[str, Any] = {key: _DTYPES.get(largest.dtype) for key in ("dtype", "torch_dtype")}
    embeddings = [entry for entry in planned if "embed_tokens" in entry.name or "wte" in entry.name]
    if embeddings:
        found["vocab_size"] = embeddings[0].shape[0]
    return {key: value for key, value in found.items() if key in settings}


def _card(recipe: MergeRecipe, sources: Sequence[Source], tokenizer_from: Source) -> str:
    """A model card. Licences of all parents hold for the child, so they are all named."""
    licences = {source.name: _licence(source.tensors.folder) for source in sources}
    rows = "\n".join(
        f"| {model.path} | {model.weight.default} | {model.density} | {licences.get(model.path, 'not stated')} |"
        for model in recipe.models
    )
    base = f"\n\nChanges are those from {recipe.base} (licence: {licences[recipe.base]})." if recipe.base else ""
    by_layer = any(model.weight.rules for model in recipe.models)
    return (
        f"# A merged model\n\nMerged by safe-finetune, method `{recipe.method}`, without training.\n\n"
        f"| model | weight | density | licence |\n|---|---|---|---|\n{rows}{base}\n\n"
        + (f"Weights differ by layer; `{RECIPE_FILE}` has them all. " if by_layer else "")
        + f"Tokenizer, chat template and config are those of {tokenizer_from.name}. Evaluate it before use: a merge can "
        "lose what either parent had, refusals among it.\n"
    )


def _licence(folder: Path) -> str:
    card = folder / "README.md"
    lines = card.read_text(encoding="utf-8", errors="replace").splitlines() if card.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("license:")), "not stated")


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
