"""What is to be merged, and how."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from safe_finetune.merging.layer_weights import LayerRule, LayerWeights
from safe_finetune.merging.methods import METHODS

VOCAB_POLICIES = ("strict", "cut", "pad")


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedModel:
    """One of the models.

    Attributes:
        path: Folder, or hub id.
        weight: How much of it; never normalised behind your back.
        density: Share of its changes that sparse methods keep.
    """

    path: str
    weight: LayerWeights
    density: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeRecipe:
    """All that decides the bytes of a merge, next to the models' own bytes.

    Attributes:
        models: Those to be merged, the domain expert first.
        base: What they were fine-tuned from; needed by all methods but "linear" and "slerp".
        method: "linear", "task_arithmetic", "slerp", "ties", "dare_linear" or "dare_ties".
        seed: Of what DARE drops.
        dtype: Of all floating tensors, as safetensors calls it; that of the first model if absent.
        vocab_policy: Where vocabularies differ: "strict" refuses, "cut" keeps the rows that all have, "pad" takes rows
            that only some have from those.

    Raises:
        ValueError: If a value is not allowed, or the method needs what is not given.
    """

    models: tuple[MergedModel, ...]
    base: str | None = None
    method: str = "linear"
    seed: int = 0
    dtype: str | None = None
    vocab_policy: str = "strict"

    def __post_init__(self) -> None:
        """Check what can be checked without the models."""
        if self.method not in METHODS:
            raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {self.method!r}.")
        method = METHODS[self.method]
        if method.needs_base and self.base is None:
            raise ValueError(f"`base` is needed by method {self.method!r}, which merges changes from it; name it.")
        if method.num_models not in (None, len(self.models)):
            raise ValueError(
                f"`models` must be {method.num_models} for method {self.method!r}, got {len(self.models)}."
            )
        if len(self.models) < 1:
            raise ValueError("`models` is empty; name those to be merged.")
        if self.vocab_policy not in VOCAB_POLICIES:
            raise ValueError(f"`vocab_policy` must be one of {', '.join(VOCAB_POLICIES)}, got {self.vocab_policy!r}.")
        for model in self.models:
            if not all(math.isfinite(value) for value in model.weight.values):
                raise ValueError(f"`weight` of {model.path} must be finite, got {model.weight.values}.")
            if not 0 < model.density <= 1:
                raise ValueError(f"`density` of {model.path} must be in (0, 1], got {model.density}.")

    @property
    def sources(self) -> list[str]:
        """Folders or ids of base, if there is one, and models."""
        return [*([self.base] if self.base else []), *(model.path for model in self.models)]

    @property
    def fingerprint(self) -> str:
        """Hash of all settings."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def align_recipe(
    *,
    domain: str,
    aligned: str,
    base: str | None = None,
    alpha: float = 0.5,
    weights: tuple[float, float] | None = None,
    layer_alpha: Mapping[str, float] | None = None,
    method: str = "linear",
    density: float = 1.0,
    allow_extrapolation: bool = False,
    seed: int = 0,
    dtype: str | None = None,
    vocab_policy: str = "strict",
) -> MergeRecipe:
    """The recipe of MergeAlign: (1 - alpha) of a domain expert and alpha of an aligned model.

    With these weights the base cancels (spec: theta_0 + (1 - alpha) tau_d + alpha tau_a), so that the merge is an
    average and needs none. Weights that do not add up to 1 are another recipe (task arithmetic) and need it.

    Args:
        domain: Folder or hub id of the expert.
        aligned: Of the aligned model.
        base: Of what both were tuned from.
        alpha: Share of the aligned model.
        weights: Of domain and aligned model, in place of alpha.
        layer_alpha: Alpha by pattern of tensor names, see :class:`LayerRule`; the first that fits counts.
        method: See :class:`MergeRecipe`.
        density: Share of changes kept by sparse methods.
        allow_extrapolation: Take an alpha outside [0, 1].
        seed: Of what DARE drops.
        dtype: Of the result.
        vocab_policy: See :class:`MergeRecipe`.

    Raises:
        ValueError: If alpha is outside [0, 1] unasked, or weights come with it by layer.
    """
    alphas = [alpha, *(layer_alpha or {}).values()]
    if weights is None and not allow_extrapolation and not all(0 <= one <= 1 for one in alphas):
        outside = next(one for one in alphas if not 0 <= one <= 1)
        raise ValueError(f"`alpha` must be in [0, 1], got {outside}; set allow_extrapolation to go beyond the models.")
    if weights is not None:
        if layer_alpha:
            raise ValueError("`weights` and `layer_alpha` exclude each other; give one of them.")
        each = [LayerWeights(float(one)) for one in weights]
    else:
        given = (layer_alpha or {}).items()
        each = [
            LayerWeights(1.0 - alpha, tuple(LayerRule(pattern, 1.0 - one) for pattern, one in given)),
            LayerWeights(float(alpha), tuple(LayerRule(pattern, float(one)) for pattern, one in given)),
        ]
    models = [
        MergedModel(path=path, weight=weight, density=density)
        for path, weight in zip((domain, aligned), each, strict=True)
    ]
    return MergeRecipe(
        models=tuple(models), base=base, method=method, seed=seed, dtype=dtype, vocab_policy=vocab_policy
    )
