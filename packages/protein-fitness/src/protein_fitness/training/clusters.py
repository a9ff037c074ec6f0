"""Clusters of related chains, so that none in a test has a near relative in training."""

from collections.abc import Sequence

import numpy as np
from biotite.sequence import ProteinSequence
from biotite.sequence.align import EValueEstimator, SubstitutionMatrix, align_optimal
from jaxtyping import Bool, Int
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from protein_fitness.training.shared_words import similar_pairs

E_VALUE = 0.01
"""Relatives by chance that a chain has on average at most, if it is compared with all others."""
GAP = (-11, -1)
"""Score of a gap's first place, and of each further one."""
_LAMBDA, _K = 0.267, 0.041
"""Of local alignments by BLOSUM62 with these gaps."""


def cluster(sequences: Sequence[str]) -> Int[np.ndarray, " sequences"]:
    """The cluster of each sequence, such that its relatives, and their relatives, are in it too.

    Two sequences are relatives if their best local alignment by BLOSUM62 scores higher than ``E_VALUE`` leaves to
    chance. Only pairs that share words in the same frame are aligned, so some remote relatives are missed: of the
    tests' copies of random sequences of 100 to 250 residues, with residues replaced at random, all are found at 80 and
    50 % identity, and at 35 % not all.

    Nothing is drawn at random. The threshold rises a little with the number of sequences, since more pairs allow more
    chance.

    Args:
        sequences: Of the twenty letters and X.

    Returns:
        Numbers from 0 on, in the order in which clusters first appear.

    Source: Altschul et al. 1997, statistics and constants.
    """
    if not len(sequences):
        return np.empty(0, dtype=np.int64)
    pairs = similar_pairs(sequences)
    related = pairs[_significant(sequences, pairs)]
    graph = sparse.coo_array((np.ones(len(related)), (related[:, 0], related[:, 1])), shape=(len(sequences),) * 2)
    labels = connected_components(graph, directed=False)[1]
    firsts = np.unique(labels, return_index=True)[1]
    return firsts.argsort().argsort()[labels]


def relatives(sequence: str, sequences: Sequence[str]) -> Bool[np.ndarray, " sequences"]:
    """Which are relatives of a sequence, as :func:`cluster` has it; all are aligned.

    Args:
        sequence: Such as that of a protein whose assay will say how good a network is.
        sequences: Such as those of chains to train it on.
    """
    pairs = np.stack([np.zeros(len(sequences), dtype=np.int64), 1 + np.arange(len(sequences))], axis=1)
    return _significant([sequence, *sequences], pairs)


def _significant(sequences: Sequence[str], pairs: Int[np.ndarray, "pairs 2"]) -> Bool[np.ndarray, " pairs"]:
    proteins = [ProteinSequence(sequence) for sequence in sequences]
    matrix, estimator = SubstitutionMatrix.std_protein_matrix(), EValueEstimator(_LAMBDA, _K)
    significant = np.zeros(len(pairs), dtype=bool)
    for number, (first, second) in enumerate(pairs):
        one, other = proteins[first], proteins[second]
        best = align_optimal(one, other, matrix, gap_penalty=GAP, local=True, max_number=1)[0]
        chance = estimator.log_evalue(best.score, len(one), len(other) * len(sequences))
        significant[number] = chance <= np.log10(E_VALUE)
    return significant
