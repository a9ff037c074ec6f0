"""``safe-finetune merge``, ``merge-adapters`` and ``compare``."""

from dataclasses import asdict
from typing import Any, Literal

from gpu_commons.cli import show


def merge(
    out: str,
    domain: str | None = None,
    aligned: str | None = None,
    base: str | None = None,
    alpha: float = 0.5,
    weights: tuple[float, float] | None = None,
    layer_alpha: dict[str, float] | None = None,
    method: Literal["linear", "task_arithmetic", "slerp", "ties", "dare_linear", "dare_ties"] = "linear",
    density: float = 1.0,
    allow_extrapolation: bool = False,
    from_mergekit: str | None = None,
    vocab_policy: Literal["strict", "cut", "pad"] = "strict",
    tokenizer_from: str | None = None,
    dtype: Literal["float64", "float32", "float16", "bfloat16"] | None = None,
    max_shard_size: str = "5GB",
    seed: int = 0,
    json: bool = False,
) -> None:
    """Merge a domain expert with an aligned model into a new one; a killed merge goes on where it was.

    Args:
        out: Folder of the merged model, which must not be there yet.
        domain: Folder or hub id of the expert.
        aligned: Of the aligned model.
        base: Of what both were tuned from; all methods but linear and slerp need it.
        alpha: Share of the aligned model.
        weights: Of domain and aligned model, in place of alpha; they are never normalised.
        layer_alpha: Alpha by part of tensor names, such as {"model.layers.0-7": 0.3}; the first that fits counts.
        method: How models are combined.
        density: Share of changes that ties and dare keep.
        allow_extrapolation: Take an alpha outside [0, 1].
        from_mergekit: A YAML file of mergekit, in place of all that says what is merged and how.
        vocab_policy: Where vocabularies differ: refuse, cut to the smaller, or pad to the larger.
        tokenizer_from: Which model's tokenizer, chat template and config it gets; the aligned one's if absent.
        dtype: Of the result; that of the expert if absent.
        max_shard_size: Of a file of weights.
        seed: Of what dare drops.
        json: Result as JSON on stdout.
    """
    from safe_finetune.merging import align_recipe
    from safe_finetune.merging import merge as merge_models
    from safe_finetune.merging.mergekit import DTYPES, read_mergekit

    if from_mergekit is not None:
        if domain or aligned or base:
            raise ValueError("`from_mergekit` names the models itself; leave out domain, aligned and base.")
        recipe = read_mergekit(from_mergekit, seed)
    else:
        if domain is None or aligned is None:
            raise ValueError("`domain` and `aligned` are needed; name both models, or give `from_mergekit`.")
        recipe = align_recipe(
            domain=domain,
            aligned=aligned,
            base=base,
            alpha=alpha,
            weights=weights,
            layer_alpha=layer_alpha,
            method=method,
            density=density,
            allow_extrapolation=allow_extrapolation,
            seed=seed,
            dtype=DTYPES[dtype] if dtype else None,
            vocab_policy=vocab_policy,
        )
    report = merge_models(recipe, out, tokenizer_from=tokenizer_from, max_shard_size=max_shard_size, progress=True)
    show({**asdict(report), "folder": str(report.folder)}, as_json=json)


def merge_adapters(
    out: str,
    adapters: dict[str, float],
    base: str | None = None,
    rank: int | None = None,
    json: bool = False,
) -> None:
    """Merge LoRA adapters of one base exactly, into an adapter, or into the base's weights.

    Args:
        out: Folder of the result, which must not be there yet.
        adapters: Weights by folder, such as {"domain-lora": 0.5, "aligned-lora": 0.5}.
        base: Folder or hub id of the base to fold them into; without it the result is an adapter.
        rank: Of the resulting adapter; exact if absent.
        json: Result as JSON on stdout.
    """
    from safe_finetune.merging.adapters import merge_adapters as side_by_side
    from safe_finetune.merging.fold import fold_adapters

    pairs = list(adapters.items())
    if base is None:
        show({"folder": str(side_by_side(pairs, out, rank=rank))}, as_json=json)
        return
    if rank is not None:
        raise ValueError("`rank` is of an adapter, and with `base` the result is none; leave one of them out.")
    show({"folder": out, "sha256": fold_adapters(base, pairs, out, progress=True)}, as_json=json)


def compare(
    domain: str,
    aligned: str,
    base: str | None = None,
    by: Literal["layer", "tensor"] = "layer",
    json: bool = False,
) -> None:
    """Say how two models changed their base: angles, sizes and signs, without writing anything.

    Args:
        domain: Folder or hub id.
        aligned: Likewise.
        base: Likewise; without it the models themselves are compared.
        by: One row a layer, or a tensor.
        json: Result as JSON on stdout.
    """
    from safe_finetune.merging.similarity import Similarity, as_markdown, as_rows, grouped
    from safe_finetune.merging.similarity import compare as compare_models

    found = compare_models(domain, aligned, base, progress=True)
    parts = grouped(found) if by == "layer" else found
    parts["all"] = sum(found.values(), start=Similarity())
    result: Any = as_rows(parts) if json else as_markdown(parts)
    show(result, as_json=json)
