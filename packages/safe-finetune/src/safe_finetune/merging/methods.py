"""All methods by name."""

from safe_finetune.merging.dense_methods import Linear, Slerp, TaskArithmetic
from safe_finetune.merging.method import MergeMethod
from safe_finetune.merging.sparse_methods import DareLinear, DareTies, Ties

METHODS: dict[str, MergeMethod] = {
    "linear": Linear(),
    "task_arithmetic": TaskArithmetic(),
    "slerp": Slerp(),
    "ties": Ties(),
    "dare_linear": DareLinear(),
    "dare_ties": DareTies(),
}
