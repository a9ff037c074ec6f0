"""A linear softmax model dressed as a decoder, so that trainers can be held against exact solutions.

A row is a context token and a response token: the logits after a context are its fixed features times theta. Response
tokens come first in the vocabulary.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from safe_finetune.rows import EncodedRows
from safe_finetune.theory import LinearData, LinearProblem


class LinearDecoder(nn.Module):
    """Over the contexts of several data sets; theta is all that is trained."""

    def __init__(self, theta: np.ndarray, *sets: LinearData):
        super().__init__()
        responses, width = theta.shape
        features = np.concatenate([np.zeros((responses, width)), *(data.features for data in sets)])
        self.embeddings = nn.Embedding.from_pretrained(torch.tensor(features, dtype=torch.float32), freeze=True)
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float32))
        self.config = PreTrainedConfig(hidden_size=width)  # checkpoints are known by it, among other things

    @property
    def device(self) -> torch.device:
        return self.theta.device

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(logits=self.embeddings(input_ids) @ self.theta.T)


def sampled(problem: LinearProblem, rng: np.random.Generator) -> LinearProblem:
    """The problem with one response drawn for every context, as rows of text have one."""

    def draw(data: LinearData) -> LinearData:
        chosen = [rng.choice(len(row), p=row / row.sum()) for row in data.targets]
        return LinearData(features=data.features, targets=np.eye(data.targets.shape[1])[chosen])

    return LinearProblem(safety=draw(problem.safety), proxy=draw(problem.proxy), task=draw(problem.task))


def as_rows(data: LinearData, first_context: int, name: str) -> EncodedRows:
    """Rows whose contexts have numbers from ``first_context`` on."""
    count = len(data.targets)
    responses = data.targets.argmax(1).tolist()
    return EncodedRows(
        ids=tuple(f"{name}-{row}" for row in range(count)),
        places=tuple(f"{name} {row}" for row in range(count)),
        weights=(1.0,) * count,
        token_ids=[[first_context + row, response] for row, response in enumerate(responses)],
        prompt_lengths=[1] * count,
        dropped=(),
        fingerprint=name,
        tokenizer_fingerprint="none",
    )
