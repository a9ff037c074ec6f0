"""Recipes of mergekit (its YAML files), for the methods that both know."""

from pathlib import Path
from typing import Any

import yaml

from safe_finetune.merging.layer_weights import LayerRule, LayerWeights
from safe_finetune.merging.recipe import MergedModel, MergeRecipe

_METHODS = ("linear", "task_arithmetic", "slerp", "ties", "dare_linear", "dare_ties")
DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}
_NORMALISED = {"linear": True, "ties": True, "dare_ties": True, "task_arithmetic": False, "dare_linear": False}
_KNOWN = {"models", "merge_method", "base_model", "parameters", "dtype", "out_dtype", "tokenizer_source"}


def read_mergekit(path: str | Path, seed: int = 0) -> MergeRecipe:
    """The recipe of a mergekit file.

    mergekit divides the weights of "linear" by their sum unless told otherwise; here that is done once, in sight: the
    recipe has the divided weights. "ties" and "dare_ties" of mergekit with ``normalize: false`` are other methods, and
    refused.

    Args:
        path: The YAML file.
        seed: Of what DARE drops; mergekit's random numbers are not repeated.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If it asks for what is not done here, such as slices, or normalised weights that differ by layer.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"no file at {file.absolute()}")
    try:
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: not YAML ({error.__class__.__name__}); give a mergekit recipe.") from None
    if not isinstance(described, dict) or "models" not in described:
        raise ValueError(f"{file}: has no `models`; recipes of slices are not read, so list whole models.")
    if unknown := sorted(described.keys() - _KNOWN):
        raise ValueError(f"{file}: {unknown[0]!r} is not read here; known are {', '.join(sorted(_KNOWN))}.")
    method, shared = described.get("merge_method"), described.get("parameters") or {}
    if method not in _METHODS:
        raise ValueError(f"{file}: `merge_method` must be one of {', '.join(_METHODS)}, got {method!r}.")
    base = described.get("base_model")
    rows = [row for row in described["models"] if method in ("linear", "slerp") or row["model"] != base]
    if method == "slerp":
        rows = _slerp_rows(file, rows, base, shared)
    models = [_model(row, shared) for row in rows]
    models = _normalised(file, method, models, shared.get("normalize", _NORMALISED.get(method, False)))
    return MergeRecipe(
        models=tuple(models),
        base=None if method in ("linear", "slerp") else base,
        method=method,
        seed=seed,
        dtype=_dtype(file, described.get("out_dtype") or described.get("dtype")),
    )


def _model(row: dict[str, Any], shared: dict[str, Any]) -> MergedModel:
    own = {**shared, **(row.get("parameters") or {})}
    return MergedModel(
        path=row["model"], weight=_weights(own.get("weight", 1.0)), density=float(own.get("density", 1.0))
    )


def _weights(value: Any) -> LayerWeights:
    """A number, a list over depth, or rows of filter and value, the last of which may have none."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        default = next((row["value"] for row in value if "filter" not in row), 0.0)
        rules = [LayerRule(row["filter"], _value(row["value"])) for row in value if "filter" in row]
        return LayerWeights(_value(default), tuple(rules))
    return LayerWeights(_value(value))


def _value(value: Any) -> float | tuple[float, ...]:
    return tuple(float(one) for one in value) if isinstance(value, list) else float(value)


def _normalised(file: Path, method: str, models: list[MergedModel], normalise: bool) -> list[MergedModel]:
    if method in ("ties", "dare_ties") and not normalise:
        raise ValueError(f"{file}: {method} without `normalize` is not done here; agreeing changes are averaged.")
    if method not in ("linear", "task_arithmetic", "dare_linear") or not normalise:
        return models
    if any(model.weight.rules or isinstance(model.weight.default, tuple) for model in models):
        raise ValueError(f"{file}: `normalize` with weights by layer is not done here; give weights that add up to 1.")
    total = sum(model.weight.values[0] for model in models)
    if not total:
        raise ValueError(f"{file}: the weights add up to 0 and cannot be normalised; set `normalize: false`.")
    return [
        MergedModel(path=model.path, weight=LayerWeights(model.weight.values[0] / total), density=model.density)
        for model in models
    ]


def _slerp_rows(
    file: Path, rows: list[dict[str, Any]], base: str | None, shared: dict[str, Any]
) -> list[dict[str, Any]]:
    """The base first, whose way is 0; the second one's weight is the way `t`."""
    if base is None or "t" not in shared:
        raise ValueError(f"{file}: slerp needs `base_model` and a parameter `t`.")
    others = [row["model"] for row in rows if row["model"] != base]
    if len(others) != 1:
        raise ValueError(f"{file}: slerp takes two models, `base_model` and one more, got {len(others)} more.")
    return [{"model": base}, {"model": others[0], "parameters": {"weight": shared["t"]}}]


def _dtype(file: Path, name: str | None) -> str | None:
    if name is None:
        return None
    if name not in DTYPES:
        raise ValueError(f"{file}: dtype must be one of {', '.join(DTYPES)}, got {name!r}.")
    return DTYPES[name]
