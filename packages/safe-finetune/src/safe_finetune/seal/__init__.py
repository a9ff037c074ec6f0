"""SEAL: learn which fine-tuning rows keep a model safe, by a bilevel problem over their weights.

One weight per fine-tuning row is learnt so that the model that the weighted rows lead to has a low loss on safe rows.
Weights live on the rows' ids; their logits are float32 on every process.
"""

from safe_finetune.seal.config import SealConfig
from safe_finetune.seal.selector import Selector
from safe_finetune.seal.trainer import SealTrainer

__all__ = ["SealConfig", "SealTrainer", "Selector"]
