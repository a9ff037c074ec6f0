"""Methods that are one logits processor in stock ``generate``."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.methods.plain import Plain


class LogitsMethod(ABC):
    """Base of the methods that only change next-token scores.

    Every call of :meth:`generate` makes a processor of its own, so nothing of one call is seen by the next. In
    ``generate`` it runs after the caller's processors and before temperature, top-k and nucleus, which then act on the
    changed scores.

    Attributes:
        name: See :class:`~controlled_decoding.methods.method.Method`.
        strength: 0 is plain decoding, token by token.
    """

    name: str
    strength: float

    @abstractmethod
    def processor(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: Mapping[str, Tensor]
    ) -> LogitsProcessor:
        """A fresh processor for one ``model.generate(**inputs, logits_processor=[...])``."""

    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        **generate_kwargs: Any,
    ) -> Tensor:
        """Continue left-padded prompts; see :meth:`controlled_decoding.methods.method.Method.generate`."""
        if self.strength == 0:
            return Plain().generate(model, tokenizer, inputs, **generate_kwargs)
        return generate_with(self.processor(model, tokenizer, inputs), model, tokenizer, inputs, **generate_kwargs)


def generate_with(
    processor: LogitsProcessor,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    inputs: Mapping[str, Tensor],
    **generate_kwargs: Any,
) -> Tensor:
    """Plain decoding with one more logits processor, after those in ``generate_kwargs``."""
    processors = [*(generate_kwargs.pop("logits_processor", None) or []), processor]
    return Plain().generate(model, tokenizer, inputs, logits_processor=processors, **generate_kwargs)
