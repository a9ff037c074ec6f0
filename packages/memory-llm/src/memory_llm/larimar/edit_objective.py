"""The loss of a connector between frozen models: say the target where it is asked for, and nothing of it elsewhere."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import Cache

from gpu_commons.cache_name import cache_argument
from memory_llm.larimar.connector import TokenConnector
from memory_llm.larimar.edit_examples import EditExample
from memory_llm.larimar.model import LarimarForCausalLM
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.prefix_mask import token_positions
from memory_llm.training.rank_mean import mean_over_ranks


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
        rows, labels, due = [], [], []
        for example, target in zip(examples, target_ids, strict=True):
            question = self.larimar.tokenizer(example.question)["input_ids"]
            read, wanted = self._continuation(example, target)
            before = len(question) - 1
            rows.append(question + read)
            labels.append([-100] * before + wanted)
            due.append([-1] * before + list(range(len(wanted))))
        texts = {"query": [example.question for example in examples], "fact": [example.prompt for example in examples]}
        batch = {
            "input_ids": _left_padded(rows, 0),
            "attention_mask": _left_padded([[1] * len(row) for row in rows], 0),
            "labels": _left_padded(labels, -100),
            "due": _left_padded(due, -1),
            "target_ids": target_ids,
            "in_scope": torch.tensor([example.in_scope for example in examples]),
        }
        for name, part in texts.items():
            tokens = self.larimar.encoder_tokens(part, truncate=True)
            batch |= {f"{name}_ids": tokens["input_ids"], f"{name}_mask": tokens["attention_mask"]}
        return batch

    def _continuation(self, example: EditExample, target: Int[Tensor, " tokens"]) -> tuple[list[int], list[int]]:
        """Tokens read after the question, and what is to be said after its last token and after each of these."""
        if example.in_scope:
            answer = target[target >= 0].tolist()
            return answer[:-1], answer
        text = f" {example.continuation}" if example.continuation else ""
        read = self.larimar.tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
        return read, [-100] * (len(read) + 1)


def _left_padded(rows: Sequence[Sequence[int]], fill: int) -> Int[Tensor, "rows width"]:
    width = max(map(len, rows))
    return torch.tensor([[fill] * (width - len(row)) + list(row) for row in rows])


class EditObjective(nn.Module):
    """Cross-entropy of the target in scope, divergence from the base model out of scope, cross-entropy of the gate.

    Args:
        model: With a frozen decoder.
        kl_weight: Of the divergence KL(base || with memory), averaged over the last token of a question and its
            continuation's.
        gate_weight: Of the cross-entropy of the connector's gate, which says outright what the other terms imply.

    Raises:
        ValueError: If the model has another connector than ``tokens``.

    Source: none. The paper trains the decoder and leaves scope to a detector.
    """

    def __init__(self, model: LarimarForCausalLM, *, kl_weight: float = 1.0, gate_weight: float = 0.5):
        super().__init__()
        connector = model.connector
        if not isinstance(connector, TokenConnector):
            raise ValueError("edits need a model with connector='tokens'; the 'linear' one is trained on episodes.")
        self.model, self.connector = model, connector
        self.kl_weight, self.gate_weight = kl_weight, gate_weight

    def forward(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        labels: Int[Tensor, "batch tokens"],
        due: Int[Tensor, "batch tokens"],
        target_ids: Int[Tensor, "batch target"],
        in_scope: Bool[Tensor, " batch"],
        query_ids: Int[Tensor, "batch query"],
        query_mask: Int[Tensor, "batch query"],
        fact_ids: Int[Tensor, "batch fact"],
        fact_mask: Int[Tensor, "batch fact"],
    ) -> dict[str, Any]:
        """``loss`` and its parts ``target_loss``, ``kept_kl`` and ``gate_loss``.

        Args:
            input_ids: Questions, and all of the answer but its last token in scope, or how they go on out of scope.
            attention_mask: 1 for tokens, 0 for padding on the left.
            labels: The token to come after each one, -100 where nothing is to be learnt.
            due: As for :class:`LarimarForCausalLM`.
            target_ids: Tokens of the targets in memory, -1 behind them.
            in_scope: Rows that are to continue with the target.
            query_ids: Questions in the encoder's tokens.
            query_mask: Their mask.
            fact_ids: Prompts of the facts in the encoder's tokens.
            fact_mask: Their mask.
        """
        query = self.model.encode(query_ids, query_mask)
        latent = self.model.value(self.model.encode(fact_ids, fact_mask), target_ids)
        start = int((due >= 0).any(0).nonzero()[0])  # no memory takes part in what comes before
        context = self.model.read_context(input_ids[:, :start], attention_mask[:, :start])
        tail = {"input_ids": input_ids[:, start:], "attention_mask": attention_mask}
        outside = ~in_scope
        base = self._base_log_probs(context, outside, **tail)
        logits = self.model(**tail, latent=latent, query=query, due=due[:, start:], cache=context).logits.float()
        wanted = labels[:, start:]
        target_loss = mean_over_ranks(
            nn.functional.cross_entropy(logits[wanted >= 0], wanted[wanted >= 0], reduction="none")
        )
        divergence = (base.exp() * (base - logits[outside].log_softmax(-1))).sum(-1)
        kept_kl = mean_over_ranks(divergence[due[outside, start:] >= 0])
        gate_loss = self._gate_loss(latent, query, in_scope)
        return {
            "loss": target_loss + self.kl_weight * kept_kl + self.gate_weight * gate_loss,
            "target_loss": target_loss.detach(),
            "kept_kl": kept_kl.detach(),
            "gate_loss": gate_loss.detach(),
        }

    def _gate_loss(
        self,
        latent: Float[Tensor, "batch value"],
        query: Float[Tensor, "batch latent"],
        in_scope: Bool[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        logits = self.connector.gate_logit(latent, query)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, in_scope.to(logits.dtype), reduction="none")
        return mean_over_ranks(losses)

    @torch.no_grad()
    def _base_log_probs(
        self,
        context: Cache,
        rows: Bool[Tensor, " batch"],
        input_ids: Int[Tensor, "batch tail"],
        attention_mask: Int[Tensor, "batch tokens"],
    ) -> Float[Tensor, "rows tail vocab"]:
        """What the decoder says after each of the last tokens of some rows."""
        if not rows.any():
            return torch.zeros(0, input_ids.shape[1], self.model.config.decoder.vocab_size, device=input_ids.device)
        cache = copy.deepcopy(context)
        if cache.get_seq_length():
            cache.batch_select_indices(rows.nonzero().flatten())
        output = self.model.decoder(
            input_ids=input_ids[rows],
            attention_mask=attention_mask[rows],
            position_ids=token_positions(attention_mask[rows])[:, -input_ids.shape[1] :],
            **cache_argument(self.model.decoder.forward, cache),
        )
        return output.logits.float().log_softmax(-1)
