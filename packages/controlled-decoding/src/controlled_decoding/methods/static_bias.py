"""The free baseline: one constant vector on the logits, whatever the context."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.config import check_strength
from controlled_decoding.hidden_state import depth_of
from controlled_decoding.methods.logits_method import LogitsMethod
from controlled_decoding.sampler import special_tokens
from controlled_decoding.subspace import SubspaceClassifier


class StaticBias(LogitsMethod):
    """Shift every token's logit by the subspace direction's product with the token's output embedding, ``w.E``.

    ``E`` is the *output* embedding because the shift then has an exact meaning: the logits of the final state ``h`` are
    ``E h``, so adding ``s E w`` is the same as moving every final state by ``s`` along ``w``. With tied embeddings it
    is the input embedding too. The subspace must therefore sit after the final norm. The vector is the same at every
    step: it costs one addition, but it cannot know that a word is harmless in its context.

    Args:
        subspace: Fitted at the last layer after the final norm.
        strength: Standard deviation, over the vocabulary, of what is added to the logits (nats); >= 0.
        force: Accept other weights, another tokenizer or a poor subspace, as in ``SubspaceClassifier.check``.
        name: Of the method in tables.
    """

    def __init__(
        self, subspace: SubspaceClassifier, strength: float = 1.0, *, force: bool = False, name: str | None = None
    ):
        self.subspace, self.strength, self.force = subspace, check_strength(strength), force
        self.name = name or f"static({strength:g})"

    def processor(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: Mapping[str, Tensor]
    ) -> "ConstantBias":
        """The processor that adds :func:`vocabulary_bias` times the strength.

        Raises:
            ValueError: If the subspace does not fit the model, or sits elsewhere than after its final norm.
        """
        self.subspace.check(model, tokenizer, force=self.force)
        return ConstantBias(self.strength * vocabulary_bias(self.subspace, model))


class ConstantBias(LogitsProcessor):
    """Add the same vector to the scores of every row and step."""

    def __init__(self, bias: Float[Tensor, " vocab"]):
        self.bias = bias

    def __call__(self, input_ids: Tensor, scores: Float[Tensor, "rows vocab"]) -> Float[Tensor, "rows vocab"]:
        return scores + self.bias.to(scores)


@torch.no_grad()
def vocabulary_bias(subspace: SubspaceClassifier, model: PreTrainedModel) -> Float[Tensor, " vocab"]:
    """``w.E`` over the vocabulary with mean 0 and standard deviation 1; special tokens get 0.

    Raises:
        ValueError: If the subspace is not one of states after the final norm.
    """
    if not subspace.site.normed:
        raise ValueError(
            f"the static bias needs a subspace of states after the final norm, and {subspace.attribute!r} was fitted before it at layer "
            f"{subspace.site.layer} of {depth_of(model)}; fit one with the default layer."
        )
    embedding = model.get_output_embeddings().weight
    weight = subspace.weight.to(embedding.device)
    # In blocks: a float32 copy of a large vocabulary would be gigabytes.
    products = torch.cat([block.float() @ weight for block in embedding.split(8192)])
    bias = (products - products.mean()) / products.std()
    bias[special_tokens(model.generation_config)] = 0.0
    return bias
