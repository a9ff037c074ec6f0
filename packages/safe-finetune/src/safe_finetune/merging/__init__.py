"""Merging a domain expert with an aligned model, without training (MergeAlign, and the methods beside it).

Weights are float64 while they are combined, and rounded once. Names are imported when they are first used: a merge of
local folders needs no torch.
"""

from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from safe_finetune.merging.adapters import merge_adapters
    from safe_finetune.merging.alpha_sweep import convex, sweep_weights
    from safe_finetune.merging.fold import fold_adapters
    from safe_finetune.merging.layer_weights import LayerRule, LayerWeights
    from safe_finetune.merging.margins import AlphaInterval, Needs, alpha_interval, answer_margins
    from safe_finetune.merging.merge_models import MergeReport, merge
    from safe_finetune.merging.mergekit import read_mergekit
    from safe_finetune.merging.recipe import MergedModel, MergeRecipe, align_recipe
    from safe_finetune.merging.similarity import Similarity, compare, grouped

_HOME = {
    "AlphaInterval": "margins",
    "LayerRule": "layer_weights",
    "LayerWeights": "layer_weights",
    "MergeRecipe": "recipe",
    "MergeReport": "merge_models",
    "MergedModel": "recipe",
    "Needs": "margins",
    "Similarity": "similarity",
    "align_recipe": "recipe",
    "alpha_interval": "margins",
    "answer_margins": "margins",
    "compare": "similarity",
    "convex": "alpha_sweep",
    "fold_adapters": "fold",
    "grouped": "similarity",
    "merge": "merge_models",
    "merge_adapters": "adapters",
    "read_mergekit": "mergekit",
    "sweep_weights": "alpha_sweep",
}
__all__ = [
    "AlphaInterval",
    "LayerRule",
    "LayerWeights",
    "MergeRecipe",
    "MergeReport",
    "MergedModel",
    "Needs",
    "Similarity",
    "align_recipe",
    "alpha_interval",
    "answer_margins",
    "compare",
    "convex",
    "fold_adapters",
    "grouped",
    "merge",
    "merge_adapters",
    "read_mergekit",
    "sweep_weights",
]

__getattr__ = lazy_names(__name__, _HOME)
