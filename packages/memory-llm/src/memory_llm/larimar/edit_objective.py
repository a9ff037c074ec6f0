"""The loss of a connector between frozen models: say the target where it is asked for, and nothing of it elsewhere."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from memory_llm.larimar.edit_examples import EditExample
from memory_llm.larimar.model import LarimarForCausalLM
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.rank_mean import mean_over_ranks

KL_TAIL = 4  # last positions of a question at which the base model has to be kept


class EditCollator:
    """Examples to one batch: the decoder's tokens padded on the left, so that targets and ends of questions line up.

    Args:
        larimar: Whose tokenizers to use.
    """

    def __init__(self, larimar: Larimar):
        self.larimar = larimar

    def __call__(self, examples: Sequence[EditExample]) -> dict[str, Tensor]:
        """Tensors for :class:`EditObjective`."""
        target_ids = self.larimar.target_ids([example.target for example in examples])
        rows, labels = [], []
        for example, target in zip(examples, target_ids, strict=True):
            question = self.larimar.tokenizer(example.question)["input_ids"]
            answer = target[target >= 0].tolist() if example.in_scope else []
            rows.append(question + answer)
            labels.append([-100] * len(question) + answer)
        width = max(map(len, rows))
        texts = {"query": [example.question for example in examples], "fact": [example.prompt for example in examples]}
        batch = {
            "input_ids": torch.tensor([[0] * (width - len(row)) + row for row in rows]),
            "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]),
            "labels": torch.tensor([[-100] * (width - len(row)) + row for row in labels]),
            "target_ids": target_ids,
            "in_scope": torch.tensor([example.in_scope for example in examples]),
        }
        for name, part in texts.items():
            tokens = self.larimar.encoder_tokens(part, truncate=True)
            batch |= {f"{name}_ids": tokens["input_ids"], f"{name}_mask": tokens["attention_mask"]}
        return batch


class EditObjective(nn.Module):
    """Cross-entropy of the target in scope, plus divergence from the base model out of scope.

    Args:
        model: With a frozen decoder.
        kl_weight: Of the divergence KL(base || with memory), averaged over the last tokens of a question.

    Source: none. The paper trains the decoder and leaves scope to a detector.
    """

    def __init__(self, model: LarimarForCausalLM, *, kl_weight: float = 1.0):
        super().__init__()
        self.model, self.kl_weight = model, kl_weight

    def forward(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        labels: Int[Tensor, "batch tokens"],
        target_ids: Int[Tensor, "batch prefix"],
        in_scope: Bool[Tensor, " batch"],
        query_ids: Int[Tensor, "batch query"],
        query_mask: Int[Tensor, "batch query"],
        fact_ids: Int[Tensor, "batch fact"],
        fact_mask: Int[Tensor, "batch fact"],
    ) -> dict[str, Any]:
        """``loss`` and its parts ``target_loss`` and ``kept_kl``."""
        query = self.model.encode(query_ids, query_mask)
        latent = self.model.value(self.model.encode(fact_ids, fact_mask), target_ids)
        keep = min(target_ids.shape[1] + 1, input_ids.shape[1])
        logits = self.model(input_ids, attention_mask, latent=latent, query=query, logits_to_keep=keep).logits.float()
        target_loss = self._target_loss(logits, labels[:, -keep:])
        kept_kl = self._kept_kl(logits, input_ids, attention_mask, ~in_scope)
        return {
            "loss": target_loss + self.kl_weight * kept_kl,
            "target_loss": target_loss.detach(),
            "kept_kl": kept_kl.detach(),
        }

    def _target_loss(self, logits: Float[Tensor, "batch kept vocab"], labels: Int[Tensor, "batch kept"]) -> Tensor:
        wanted = labels[:, 1:] >= 0
        return mean_over_ranks(
            nn.functional.cross_entropy(logits[:, :-1][wanted], labels[:, 1:][wanted], reduction="none")
        )

    def _kept_kl(
        self,
        logits: Float[Tensor, "batch kept vocab"],
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        rows: Bool[Tensor, " batch"],
    ) -> Tensor:
        if not rows.any():
            return mean_over_ranks(logits.flatten()[:0])
        tail = min(KL_TAIL, logits.shape[1])
        with torch.no_grad():
            base = self.model(input_ids[rows], attention_mask[rows], logits_to_keep=tail).logits.float().log_softmax(-1)
        ours = logits[rows][:, -tail:].log_softmax(-1)
        is_token = attention_mask[rows][:, -tail:].bool()
        divergence = (base.exp() * (base - ours)).sum(-1)
        return mean_over_ranks(divergence[is_token])
