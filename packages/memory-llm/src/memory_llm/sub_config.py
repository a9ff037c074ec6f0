"""Configs inside a config."""

import copy
from typing import Any

from transformers import AutoConfig, PreTrainedConfig


def as_sub_config(config: PreTrainedConfig | dict[str, Any] | None, default: str) -> PreTrainedConfig:
    """A config of its own for a part of a model.

    Args:
        config: A config, which is copied, or its fields, as a file holds them.
        default: Model type where the fields name none.
    """
    if isinstance(config, PreTrainedConfig):
        return copy.deepcopy(config)  # transformers writes into sub-configs
    fields = dict(config or {})
    return AutoConfig.for_model(fields.pop("model_type", default), **fields)
