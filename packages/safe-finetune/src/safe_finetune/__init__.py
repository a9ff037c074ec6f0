"""Fine-tune an aligned language model and keep it aligned.

Losses are nats per response token, averaged over rows, unless a name says otherwise; rows are known by their id, never
by their position. Names are imported when they are first used, so that the command line's ``--help`` does not wait for
torch.
"""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer, Radius, RadiusCallback
    from safe_finetune.frontier import Axis, Frontier, FrontierPoint
    from safe_finetune.merging import MergeRecipe, MergeReport, align_recipe, merge
    from safe_finetune.rows import EncodedRows, Message, Row, RowEncoder, load_rows
    from safe_finetune.seal import SealConfig, SealTrainer
    from safe_finetune.selection import SelectorScores
    from safe_finetune.sft import WeightedSFTTrainer
    from safe_finetune.theory import LossLandscape

__version__ = importlib.metadata.version("safe-finetune")
_HOME = {
    "Axis": "frontier",
    "ConstrainedSFTConfig": "constrained",
    "ConstrainedSFTTrainer": "constrained",
    "EncodedRows": "rows",
    "Frontier": "frontier",
    "FrontierPoint": "frontier",
    "LossLandscape": "theory",
    "MergeRecipe": "merging",
    "MergeReport": "merging",
    "Message": "rows",
    "Radius": "constrained",
    "RadiusCallback": "constrained",
    "Row": "rows",
    "RowEncoder": "rows",
    "SealConfig": "seal",
    "SealTrainer": "seal",
    "SelectorScores": "selection",
    "WeightedSFTTrainer": "sft",
    "align_recipe": "merging",
    "load_rows": "rows",
    "merge": "merging",
}
__all__ = [
    "Axis",
    "ConstrainedSFTConfig",
    "ConstrainedSFTTrainer",
    "EncodedRows",
    "Frontier",
    "FrontierPoint",
    "LossLandscape",
    "MergeRecipe",
    "MergeReport",
    "Message",
    "Radius",
    "RadiusCallback",
    "Row",
    "RowEncoder",
    "SealConfig",
    "SealTrainer",
    "SelectorScores",
    "WeightedSFTTrainer",
    "align_recipe",
    "load_rows",
    "merge",
]

__getattr__ = lazy_names(__name__, _HOME)
