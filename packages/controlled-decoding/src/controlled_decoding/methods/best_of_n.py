"""Write several continuations and keep the best: no steering at all, at many times the price."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.hidden_state import embed
from controlled_decoding.judges.judge import Judge
from controlled_decoding.methods.plain import Plain
from controlled_decoding.sampler import special_tokens
from controlled_decoding.subspace import SubspaceClassifier


class BestOfN:
    """Sample N continuations for every sequence asked for and return the one that the scorer likes best.

    Costs N times plain decoding in time and, as all are sampled in one batch, in cache memory, plus the scorer. A judge
    that chooses here should not be the one that evaluates.

    Args:
        num_candidates: N >= 1; 1 is plain decoding.
        scorer: A judge, which reads the continuation alone (the lowest score wins), or a subspace, which reads prompt
            and continuation (the largest margin wins).
        force: As in ``SubspaceClassifier.check``, where the scorer is one.
        name: Of the method in tables.

    Raises:
        ValueError: If ``num_candidates`` is under 1.
    """

    def __init__(
        self, num_candidates: int, scorer: Judge | SubspaceClassifier, *, force: bool = False, name: str | None = None
    ):
        if num_candidates < 1:
            raise ValueError(f"`num_candidates` must be at least 1, got {num_candidates}.")
        self.num_candidates, self.scorer, self.force = num_candidates, scorer, force
        self.name = name or f"best-of({num_candidates})"

    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        **generate_kwargs: Any,
    ) -> Int[Tensor, "rows total"]:
        """Continue left-padded prompts; see :meth:`controlled_decoding.methods.method.Method.generate`.

        Raises:
            ValueError: If several candidates are to be decoded without sampling: they would all be the same.
        """
        if self.num_candidates == 1:
            return Plain().generate(model, tokenizer, inputs, **generate_kwargs)
        if not generate_kwargs.get("do_sample", model.generation_config.do_sample):
            raise ValueError("best-of-N needs `do_sample=True`; without sampling all candidates are the same.")
        if isinstance(self.scorer, SubspaceClassifier):
            self.scorer.check(model, tokenizer, force=self.force)
        wanted = generate_kwargs.pop("num_return_sequences", None) or 1
        sequences = Plain().generate(
            model, tokenizer, inputs, num_return_sequences=wanted * self.num_candidates, **generate_kwargs
        )
        goodness = self._goodness(model, tokenizer, inputs, sequences)
        groups = torch.arange(len(sequences)).view(-1, self.num_candidates)
        best = groups.gather(1, goodness.view(-1, self.num_candidates).argmax(-1, keepdim=True))[:, 0]
        return sequences[best.to(sequences.device)]

    def _goodness(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        sequences: Int[Tensor, "rows total"],
    ) -> Float[Tensor, " rows"]:
        width = inputs["input_ids"].shape[1]
        if not isinstance(self.scorer, SubspaceClassifier):
            texts = tokenizer.batch_decode(sequences[:, width:], skip_special_tokens=True)
            return -torch.tensor(self.scorer.score(texts), dtype=torch.float64)
        mask = inputs["attention_mask"].bool().repeat_interleave(len(sequences) // len(inputs["input_ids"]), dim=0)
        special = torch.tensor(special_tokens(model.generation_config), device=sequences.device)
        written = ~torch.isin(sequences[:, width:], special)
        kept = torch.cat([mask.to(written.device), written], dim=-1)
        token_lists = [row[keep].tolist() for row, keep in zip(sequences, kept, strict=True)]
        margins = torch.empty(len(token_lists))
        for rows, (hidden,) in embed(model, token_lists, [self.scorer.site], max_length=sequences.shape[1]):
            margins[rows] = self.scorer.margins(hidden).cpu()
        return margins
