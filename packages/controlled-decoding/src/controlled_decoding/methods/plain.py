"""The model as it is: the baseline of every comparison."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Plain:
    """Stock ``model.generate`` with nothing added; its name is ``plain``."""

    name = "plain"

    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        **generate_kwargs: Any,
    ) -> Tensor:
        """Continue left-padded prompts; see :meth:`controlled_decoding.methods.method.Method.generate`."""
        return model.generate(**inputs, pad_token_id=tokenizer.pad_token_id, **generate_kwargs)
