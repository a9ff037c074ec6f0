"""Fine-tune an aligned language model and keep it aligned.

Losses are nats per response token unless a name says otherwise; rows are known by their id, never by their position.
Names are imported when they are first used, so that the command line's ``--help`` does not wait for torch.
"""

import importlib.metadata

from gpu_commons.lazy_names import lazy_names

__version__ = importlib.metadata.version("safe-finetune")
_HOME: dict[str, str] = {}
__all__: list[str] = []

__getattr__ = lazy_names(__name__, _HOME)
