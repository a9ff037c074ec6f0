"""What every decoding method looks like to the evaluation and the command line."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase


@runtime_checkable
class Method(Protocol):
    """A way to continue prompts.

    Attributes:
        name: Short and unique in a run. ``family(strength)``, as in ``sasa(1.0)``, lets pictures join one family's
            strengths by a line.

    A method that depends on something fitted may also have a string ``fingerprint`` of it; an evaluation that was
    interrupted then goes on only with the same one.
    """

    name: str

    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        **generate_kwargs: Any,
    ) -> Tensor:
        """Continue left-padded prompts.

        Args:
            model: A decoder-only language model.
            tokenizer: Its tokenizer, with a pad token.
            inputs: ``input_ids`` and ``attention_mask``, each [batch, prompt columns], padded on the left.
            generate_kwargs: Arguments of transformers' ``generate``: ``do_sample``, ``top_p``, ``max_new_tokens``,
                ``num_return_sequences`` ...

        Returns:
            Token ids [batch * num_return_sequences, prompt columns + new columns]: the prompt columns included, the
            continuations of one prompt in adjacent rows, filled with the pad id after the end.
        """
        ...
