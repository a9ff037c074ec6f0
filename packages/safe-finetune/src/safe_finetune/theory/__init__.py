"""What the two safety-aware ways of fine-tuning can and cannot guarantee: exact small problems, bounds, and estimators
for real data and models.

Setting: arXiv 2503.20807, which names two constraints (on the loss over proxy safety data, on the distance from the
aligned weights) and three drivers of their limits (similarity of the proxy data, overlap of contexts, landscape of the
alignment loss). The bounds here are ours, not that paper's theorems. Losses and gaps are nats.
"""

from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from safe_finetune.theory.bounds import (
        loss_constraint_capability,
        loss_constraint_safety,
        parameter_constraint_capability,
        parameter_constraint_first_order,
        parameter_constraint_safety,
    )
    from safe_finetune.theory.context_overlap import (
        conflict_rate,
        nearest_by_embedding,
        nearest_by_exact_match,
        nearest_by_ngrams,
        overlap_rate,
    )
    from safe_finetune.theory.landscape import LossLandscape
    from safe_finetune.theory.linear import LinearProblem
    from safe_finetune.theory.linear_bounds import bound_parameter_constraint
    from safe_finetune.theory.random_problems import random_linear_problem, random_tabular_problem
    from safe_finetune.theory.similarity import (
        certified_total_variation,
        loss_profile_distance,
        mean_discrepancy,
        two_sample_test,
    )
    from safe_finetune.theory.softmax_regression import LinearData
    from safe_finetune.theory.tabular import TabularData, TabularProblem
    from safe_finetune.theory.tabular_bounds import bound_loss_constraint

_HOME = {
    "LinearData": "softmax_regression",
    "LinearProblem": "linear",
    "LossLandscape": "landscape",
    "TabularData": "tabular",
    "TabularProblem": "tabular",
    "bound_loss_constraint": "tabular_bounds",
    "bound_parameter_constraint": "linear_bounds",
    "certified_total_variation": "similarity",
    "conflict_rate": "context_overlap",
    "loss_constraint_capability": "bounds",
    "loss_constraint_safety": "bounds",
    "loss_profile_distance": "similarity",
    "mean_discrepancy": "similarity",
    "nearest_by_embedding": "context_overlap",
    "nearest_by_exact_match": "context_overlap",
    "nearest_by_ngrams": "context_overlap",
    "overlap_rate": "context_overlap",
    "parameter_constraint_capability": "bounds",
    "parameter_constraint_first_order": "bounds",
    "parameter_constraint_safety": "bounds",
    "random_linear_problem": "random_problems",
    "random_tabular_problem": "random_problems",
    "two_sample_test": "similarity",
}
__all__ = [
    "LinearData",
    "LinearProblem",
    "LossLandscape",
    "TabularData",
    "TabularProblem",
    "bound_loss_constraint",
    "bound_parameter_constraint",
    "certified_total_variation",
    "conflict_rate",
    "loss_constraint_capability",
    "loss_constraint_safety",
    "loss_profile_distance",
    "mean_discrepancy",
    "nearest_by_embedding",
    "nearest_by_exact_match",
    "nearest_by_ngrams",
    "overlap_rate",
    "parameter_constraint_capability",
    "parameter_constraint_first_order",
    "parameter_constraint_safety",
    "random_linear_problem",
    "random_tabular_problem",
    "two_sample_test",
]

__getattr__ = lazy_names(__name__, _HOME)
