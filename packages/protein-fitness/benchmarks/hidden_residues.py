"""What the scripts on hidden residues share: the small network, frequencies as a baseline, and means over residues."""

from typing import Any

import numpy as np

from gpu_commons import Figure
from protein_fitness.training.dataset import EvaluationChains
from protein_fitness.training.evaluation import Recovery, recovery

SIZES = {
    "node_scalars": 64,
    "node_vectors": 4,
    "edge_scalars": 16,
    "num_layers": 3,
    "dropout": 0.0,
    "head_dropout": 0.0,
}
RESAMPLES = 2000


def frequencies_alone(examples: EvaluationChains) -> Recovery:
    """What frequencies among homologues, none below 0.001, predict of chains whose features begin with them."""
    return recovery(lambda graph: graph["residue"].h[:, :20].clamp(min=1e-3).log(), examples)


def mean_figure(
    name: str, values: np.ndarray, positions: np.ndarray, unit: str, better: Any, target: float | None = None
) -> Figure:
    """Mean over hidden residues of what was summed over each chain's, with an interval by resampling chains."""
    draws = np.random.default_rng(0).integers(len(positions), size=(RESAMPLES, len(positions)))
    low, high = np.quantile(values[draws].sum(1) / positions[draws].sum(1), (0.025, 0.975))
    mean = float(values.sum() / positions.sum())
    return Figure(id=name, value=mean, interval=(float(low), float(high)), unit=unit, better=better, target=target)
