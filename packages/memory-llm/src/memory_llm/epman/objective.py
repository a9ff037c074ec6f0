"""The loss of EpMAN: say the answer under gated attention, and tell the chunk that holds it."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from memory_llm.epman.chunk_mask import QUESTION, chunk_mask
from memory_llm.epman.retriever_head import RetrieverHead
from memory_llm.epman.selection import check_gates
from memory_llm.training.rank_mean import mean_over_ranks


class EpMANObjective(nn.Module):
    """Cross-entropy of the answer, and of the gold chunks among all by a retriever's head.

    The decoder has to be in its attention route, see :func:`attention_route`.

    Args:
        decoder: With what is to be trained in it.
        head: Of the retriever; without one there is nothing to train by the second term, and it is left out.
        retrieval_weight: Of the second term.
        layers: In which gates apply; all if absent.
        apart: Chunks are read without the chunks before them.

    Source: EpMAN 1.6, with alpha = 0.1 for the second term.
    """

    def __init__(
        self,
        decoder: PreTrainedModel,
        head: RetrieverHead | None = None,
        *,
        retrieval_weight: float = 0.1,
        layers: list[int] | None = None,
        apart: bool = True,
    ):
        super().__init__()
        self.decoder, self.head, self.retrieval_weight = decoder, head, retrieval_weight
        self.apart, self.layers = apart, layers

    def forward(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        labels: Int[Tensor, "batch tokens"],
        a_mem: Float[Tensor, "batch tokens"],
        parts: Int[Tensor, "batch tokens"],
        question_vectors: Float[Tensor, "batch width"] | None = None,
        chunk_vectors: Float[Tensor, "batch chunks width"] | None = None,
        is_gold: Int[Tensor, "batch chunks"] | None = None,
    ) -> dict[str, Any]:
        """``loss`` and its parts.

        Args:
            input_ids: Header, chunks, question and answer, padded on the right.
            attention_mask: 1 for tokens, 0 for padding.
            labels: The answer's tokens where they stand, -100 elsewhere.
            a_mem: Gates of all tokens.
            parts: Of all tokens, see :func:`chunk_mask`.
            question_vectors: Of a dense retriever.
            chunk_vectors: Of a dense retriever.
            is_gold: 1 for chunks that hold the answer, 0 for others, -1 where a row has fewer.
        """
        logits, wanted = answer_logits(
            self.decoder, input_ids, attention_mask, labels, a_mem, parts, apart=self.apart, layers=self.layers
        )
        answer_loss = mean_over_ranks(
            nn.functional.cross_entropy(logits[wanted >= 0], wanted[wanted >= 0], reduction="none")
        )
        losses = {"loss": answer_loss, "answer_loss": answer_loss.detach()}
        if self.head is not None and question_vectors is not None and chunk_vectors is not None and is_gold is not None:
            retrieval_loss = self._retrieval_loss(self.head(question_vectors, chunk_vectors), is_gold)
            losses["loss"] = answer_loss + self.retrieval_weight * retrieval_loss
            losses["retrieval_loss"] = retrieval_loss.detach()
        return losses

    def _retrieval_loss(
        self, logits: Float[Tensor, "batch chunks"], is_gold: Int[Tensor, "batch chunks"]
    ) -> Float[Tensor, ""]:
        log_probs = logits.masked_fill(is_gold < 0, -torch.inf).log_softmax(-1)
        return mean_over_ranks(-log_probs.masked_fill(is_gold != 1, -torch.inf).logsumexp(-1))


def answer_logits(
    decoder: PreTrainedModel,
    input_ids: Int[Tensor, "batch tokens"],
    attention_mask: Int[Tensor, "batch tokens"],
    labels: Int[Tensor, "batch tokens"],
    a_mem: Float[Tensor, "batch tokens"],
    parts: Int[Tensor, "batch tokens"],
    *,
    apart: bool,
    layers: list[int] | None = None,
) -> tuple[Float[Tensor, "batch last vocabulary"], Int[Tensor, "batch last"]]:
    """Logits of the last tokens, and what they should be; arguments are those of :class:`EpMANObjective`.

    Raises:
        ValueError: If a gate is outside [0, 1].
    """
    check_gates(a_mem)
    wanted = labels[:, 1:]
    first = int((wanted >= 0).any(0).nonzero()[0])  # logits of chunks would be most of the memory
    output = decoder(
        input_ids=input_ids,
        attention_mask=chunk_mask(parts, attention_mask, apart=apart),
        position_ids=torch.arange(input_ids.shape[1], device=input_ids.device)[None],
        a_mem=a_mem,
        a_mem_queries=parts == QUESTION,
        use_cache=False,
        logits_to_keep=input_ids.shape[1] - first,
        **({} if layers is None else {"a_mem_layers": tuple(layers)}),
    )
    return output.logits[:, :-1].float(), wanted[:, first:]
