"""Merging a domain expert with an aligned model, without training (MergeAlign, and the methods beside it).

Weights are float64 while they are combined, and rounded once. No torch is imported for a merge of local folders.
"""

from safe_finetune.merging.layer_weights import LayerRule, LayerWeights
from safe_finetune.merging.merge import MergeReport, merge
from safe_finetune.merging.recipe import MergedModel, MergeRecipe, align_recipe

__all__ = ["LayerRule", "LayerWeights", "MergeRecipe", "MergeReport", "MergedModel", "align_recipe", "merge"]
