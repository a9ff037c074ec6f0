"""The same candidates for every method, so that a comparison shows what steering does and not what a cut does."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.candidates import select_candidates
from controlled_decoding.methods.method import Method


class Capped:
    """A method that chooses among the most probable ``max_candidates`` tokens of the model's nucleus.

    SASA tries that many candidates and excludes the rest, which alone lowers perplexity; plain decoding and the other
    methods get the same cut by this. The nucleus is ``generate``'s ``top_p``, taken before the method's own change and
    before temperature. Transformers' ``top_k`` is no substitute: it cuts before the nucleus is taken, and leaves fewer.
    A SASA inside should have ``top_p=1`` in its config, or it cuts once more.

    Args:
        method: What chooses; its name is kept.
        max_candidates: At least 1.
    """

    def __init__(self, method: Method, max_candidates: int):
        self.method, self.name, self.max_candidates = method, method.name, max_candidates
        self.fingerprint = f"{getattr(method, 'fingerprint', None)} of {max_candidates} candidates"

    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        **generate_kwargs: Any,
    ) -> Tensor:
        """Continue left-padded prompts; see :meth:`controlled_decoding.methods.method.Method.generate`."""
        cap = NucleusCap(generate_kwargs.get("top_p") or 1.0, self.max_candidates)
        processors = [*(generate_kwargs.pop("logits_processor", None) or []), cap]
        settings = {**generate_kwargs, "top_p": 1.0, "logits_processor": processors}
        return self.method.generate(model, tokenizer, inputs, **settings)


class NucleusCap(LogitsProcessor):
    """Exclude all tokens but the nucleus, and of it the most probable ``max_candidates``."""

    def __init__(self, top_p: float, max_candidates: int):
        self.top_p, self.max_candidates = top_p, max_candidates

    def __call__(self, input_ids: Tensor, scores: Float[Tensor, "rows vocab"]) -> Float[Tensor, "rows vocab"]:
        kept = select_candidates(scores, top_p=self.top_p, max_candidates=self.max_candidates).tokens
        return torch.full_like(scores, -torch.inf).scatter(1, kept, scores.gather(1, kept))
