"""Steering by two further language models: one that writes as wanted, one that does not."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase, TopPLogitsWarper

from controlled_decoding.config import check_strength
from controlled_decoding.methods.logits_method import LogitsMethod, generate_with
from controlled_decoding.methods.second_pass import SecondPass


class Experts(LogitsMethod):
    """Add ``alpha (z_expert - z_anti)`` to the logits of the base model's nucleus.

    Source: Liu et al., "DExperts: Decoding-Time Controlled Text Generation with Experts and Anti-Experts" (ACL 2021,
    arXiv 2105.03023), where alpha = 2 and the base model's nucleus is 0.9. Where one of the two is missing the base
    model's own logits stand in for it. Costs one forward pass of each model a token beside the base model's.

    Args:
        expert: A causal language model of desired text, or None.
        anti_expert: One of undesired text, or None.
        alpha: Strength >= 0.
        top_p: Nucleus of the base model that is kept before the shift; where ``generate`` is given ``top_p`` that one
            is taken instead, and not applied to the shifted scores again.
        name: Of the method in tables.

    Raises:
        ValueError: If both models are missing or ``top_p`` is not in (0, 1].
    """

    def __init__(
        self,
        expert: PreTrainedModel | None,
        anti_expert: PreTrainedModel | None,
        alpha: float = 2.0,
        *,
        top_p: float = 0.9,
        name: str | None = None,
    ):
        if expert is None and anti_expert is None:
            raise ValueError("`expert` and `anti_expert` are both None; give at least one model.")
        self.expert, self.anti_expert = expert, anti_expert
        self.strength, self.top_p = check_strength(alpha), _check_top_p(top_p)
        self.name = name or f"experts({alpha:g})"

    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        **generate_kwargs: Any,
    ) -> Tensor:
        """Continue left-padded prompts; see :meth:`controlled_decoding.methods.method.Method.generate`."""
        if self.strength == 0:
            return super().generate(model, tokenizer, inputs, **generate_kwargs)
        top_p = generate_kwargs.pop("top_p", None)
        processor = self._processor(model, inputs, self.top_p if top_p is None else top_p)
        if top_p is not None:
            # Stated rather than left out, since the model's generation config may name a nucleus too.
            generate_kwargs["top_p"] = 1.0
        return generate_with(processor, model, tokenizer, inputs, **generate_kwargs)

    def processor(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: Mapping[str, Tensor]
    ) -> "ExpertsProcessor":
        """The processor for one ``generate`` call.

        Raises:
            ValueError: If an expert has another vocabulary than the model.
        """
        return self._processor(model, inputs, self.top_p)

    def _processor(self, model: PreTrainedModel, inputs: Mapping[str, Tensor], top_p: float) -> "ExpertsProcessor":
        expert = _open(self.expert, "expert", model, inputs)
        return ExpertsProcessor(
            expert, _open(self.anti_expert, "anti_expert", model, inputs), self.strength, top_p=top_p
        )


class ExpertsProcessor(LogitsProcessor):
    """Keep the base model's nucleus and shift it; an absent reader's logits are the base model's.

    Args:
        expert: Reader of desired text.
        anti_expert: Reader of undesired text.
        alpha: Strength.
        top_p: Nucleus of the base model.
    """

    def __init__(self, expert: SecondPass | None, anti_expert: SecondPass | None, alpha: float, *, top_p: float):
        self.expert, self.anti_expert, self.alpha = expert, anti_expert, alpha
        self.nucleus = TopPLogitsWarper(top_p)

    def __call__(
        self, input_ids: Int[Tensor, "rows total"], scores: Float[Tensor, "rows vocab"]
    ) -> Float[Tensor, "rows vocab"]:
        wanted = scores if self.expert is None else self.expert.logits(input_ids)
        unwanted = scores if self.anti_expert is None else self.anti_expert.logits(input_ids)
        kept = self.nucleus(input_ids, scores)
        # Excluded tokens stay excluded: the difference of two infinities is no number.
        return torch.where(torch.isfinite(kept), kept + self.alpha * (wanted - unwanted), kept)


def _open(
    expert: PreTrainedModel | None, role: str, model: PreTrainedModel, inputs: Mapping[str, Tensor]
) -> SecondPass | None:
    if expert is None:
        return None
    own, other = (len(reader.get_output_embeddings().weight) for reader in (model, expert))
    if own != other:
        raise ValueError(
            f"`{role}` has a vocabulary of {other} tokens and the model one of {own}; use models with the same tokenizer."
        )
    return SecondPass(
        expert, inputs["input_ids"], inputs["attention_mask"], prompt_columns=inputs["input_ids"].shape[1]
    )


def _check_top_p(top_p: float) -> float:
    if not 0 < top_p <= 1:
        raise ValueError(f"`top_p` must be in (0, 1], got {top_p}.")
    return top_p
