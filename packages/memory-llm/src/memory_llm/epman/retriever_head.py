"""A retriever whose questions are turned a little by what training has learned; chunks stay as they were encoded."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from memory_llm.epman.retrievers import DenseRetriever


class RetrieverHead(nn.Module):
    """Scores ``(q W) . e / temperature`` for frozen vectors of questions and chunks; at first, the cosine as it is.

    Args:
        width: Of the vectors.
        temperature: At first.

    Source: EpMAN 1.6; what the paper trains for its first loss term is not public.
    """

    def __init__(self, width: int, *, temperature: float = 0.05):
        super().__init__()
        self.turn = nn.Linear(width, width, bias=False)
        nn.init.eye_(self.turn.weight)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))

    def forward(
        self, questions: Float[Tensor, "batch width"], chunks: Float[Tensor, "batch chunks width"]
    ) -> Float[Tensor, "batch chunks"]:
        """Logits of the chunks of each question."""
        return torch.einsum("bw,bcw->bc", self.turn(questions), chunks) * (-self.log_temperature).exp()


class TurnedRetriever:
    """A dense retriever with a head on its questions.

    Args:
        retriever: Whose vectors.
        head: What turns those of questions.
    """

    def __init__(self, retriever: DenseRetriever, head: RetrieverHead):
        self.retriever, self.head = retriever, head
        self.fingerprint = retriever.fingerprint  # chunks are encoded as before, so memories stay valid

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        return self.retriever.encode_chunks(texts)

    @torch.no_grad()
    def encode_questions(self, questions: Sequence[str]) -> Float[Tensor, "questions width"]:
        vectors = self.retriever.encode_questions(questions)
        return self.head.turn(vectors.to(self.head.turn.weight)).float().cpu()

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        return self.encode_questions(questions) @ encoded.mT
