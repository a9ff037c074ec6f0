"""How well hidden residues are recovered, chain by chain, so that models can be compared on the same ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch_geometric.data import HeteroData
from torch_geometric.utils import scatter

from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.model.s3f import S3FModel
from protein_fitness.training.batches import ResidueBatches, collate
from protein_fitness.training.dataset import EvaluationChains

BATCH_RESIDUES = 2000
"""Evaluated at a time, at least one chain."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recovery:
    """What was predicted of hidden residues.

    Attributes:
        names: Of the chains.
        positions: Hidden residues of each chain.
        nll: Negative log-likelihood of them in nats, summed.
        correct: How many of them are the likeliest letter.
    """

    names: tuple[str, ...]
    positions: Int[np.ndarray, " chains"]
    nll: Float[np.ndarray, " chains"]
    correct: Int[np.ndarray, " chains"]

    @property
    def mean_nll(self) -> float:
        """Over all hidden residues, in nats."""
        return float(self.nll.sum() / self.positions.sum())

    @property
    def accuracy(self) -> float:
        """Share of all hidden residues."""
        return float(self.correct.sum() / self.positions.sum())


def evaluate(model: S3FModel, examples: EvaluationChains) -> Recovery:
    """What a model predicts of hidden residues, without dropout."""
    was_training = model.training
    model.eval()
    try:
        return recovery(lambda graph: model(graph.to(model.device)), examples)
    finally:
        model.train(was_training)


@torch.no_grad()
def recovery(logits_of: Callable[[HeteroData], Tensor], examples: EvaluationChains) -> Recovery:
    """What is predicted of hidden residues.

    Args:
        logits_of: From a graph, a row of logits, in the order of ``AMINO_ACIDS``, for each of its residues.
        examples: Chains with what is hidden in them.
    """
    sizes = examples.sizes()
    batches = ResidueBatches(sizes, max(BATCH_RESIDUES, *sizes), seed=0, epoch=lambda: 0)
    sums = torch.zeros(len(examples), 3, dtype=torch.float64)
    for asked, batch in zip(batches, DataLoader(examples, batch_sampler=batches, collate_fn=collate), strict=True):
        graph = batch["graph"]
        logits = logits_of(graph).cpu().double()
        mask, types, chain = (graph["residue"][name].cpu() for name in ("mask", "y", "batch"))
        losses = nn.functional.cross_entropy(logits[mask], types[mask], reduction="none")
        told = torch.stack([torch.ones_like(losses), losses, (logits[mask].argmax(-1) == types[mask]).double()], -1)
        sums[[place for _, place in asked]] = scatter(told, chain[mask], dim_size=len(asked))
    positions, nll, correct = sums.T.numpy()
    return Recovery(
        names=tuple(examples.chains.names[number] for number in examples.numbers),
        positions=positions.astype(np.int64),
        nll=nll,
        correct=correct.astype(np.int64),
    )


def background(sequences: Sequence[str], examples: EvaluationChains) -> Recovery:
    """What the frequencies of letters alone predict, the same for each residue.

    Args:
        sequences: In which letters are counted, each from 1 on; those of training.
        examples: Chains with what is hidden in them.
    """
    letters = encode("".join(sequences))
    counts = 1 + np.bincount(letters[letters >= 0], minlength=len(AMINO_ACIDS))
    logits = torch.from_numpy(np.log(counts / counts.sum()))
    return recovery(lambda graph: logits.expand(graph["residue"].num_nodes, -1), examples)
