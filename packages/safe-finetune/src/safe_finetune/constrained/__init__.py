"""Fine-tuning under a constraint: on the loss of safety data, on the distance from the aligned weights, or on both.

The two strategies are those of arXiv 2503.20807. Losses are nats per response token, averaged over rows; distances are
norms of what was changed, or shares of the norms of what it was changed from.
"""

from safe_finetune.constrained.config import ConstrainedSFTConfig
from safe_finetune.constrained.multiplier import Multiplier
from safe_finetune.constrained.radius import Radius, RadiusCallback
from safe_finetune.constrained.trainer import ConstrainedSFTTrainer

__all__ = ["ConstrainedSFTConfig", "ConstrainedSFTTrainer", "Multiplier", "Radius", "RadiusCallback"]
