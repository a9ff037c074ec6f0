"""Which residues of a chain are to be predicted, and what is seen in their place."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from protein_fitness.amino_acids import AMINO_ACIDS

SHARE = 0.15
"""Of the residues that are to be predicted."""
HIDDEN, OTHER = 0.8, 0.1
"""Shares of them whose letter is hidden, and that show a random one; the rest show their own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Masking:
    """What is to be predicted in a chain, and what is seen of it.

    Attributes:
        selected: Whether a residue is to be predicted.
        hidden: Whether its letter is hidden; only of selected ones.
        letters: As they are shown where they are not hidden.
    """

    selected: Bool[np.ndarray, " residues"]
    hidden: Bool[np.ndarray, " residues"]
    letters: Int[np.ndarray, " residues"]


def draws_of(seed: int, epoch: int, digest: str) -> np.random.Generator:
    """Random numbers that depend on seed, epoch and chain alone, so a run that was cut off goes on with the same.

    Args:
        seed: Of the run.
        epoch: From 0 on.
        digest: Of the chain, hexadecimal.
    """
    return np.random.default_rng([seed, epoch, int(digest[:16], 16)])


def selected_positions(letters: Int[np.ndarray, " residues"], draws: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """``SHARE`` of the residues, rounded down and at least one, each at most once; of residues of known type only.

    Raises:
        ValueError: If no residue's type is known.
    """
    known = np.flatnonzero(letters >= 0)
    if not len(known):
        raise ValueError(f"none of a chain's {len(letters)} residues is of known type; leave the chain out.")
    return draws.choice(known, min(max(int(SHARE * len(letters)), 1), len(known)), replace=False)


def training_masking(letters: Int[np.ndarray, " residues"], draws: np.random.Generator) -> Masking:
    """Of the selected residues 80 % are hidden, 10 % show a random letter and 10 % their own, each by its own draw.

    Args:
        letters: Of a chain; -1 where not known.
        draws: Where chance comes from.

    Source: S3F (Zhang et al. 2024) 3.4. Differs: released code draws positions with replacement, which selects fewer.
    """
    chosen = selected_positions(letters, draws)
    lot = draws.random(len(chosen))
    random = chosen[(lot >= HIDDEN) & (lot < HIDDEN + OTHER)]
    shown = letters.copy()
    shown[random] = draws.integers(len(AMINO_ACIDS), size=len(random))
    return Masking(selected=_marked(chosen, letters), hidden=_marked(chosen[lot < HIDDEN], letters), letters=shown)


def evaluation_masking(letters: Int[np.ndarray, " residues"], draws: np.random.Generator) -> Masking:
    """All selected residues are hidden, as where mutants are scored."""
    selected = _marked(selected_positions(letters, draws), letters)
    return Masking(selected=selected, hidden=selected, letters=letters)


def _marked(places: Int[np.ndarray, " chosen"], letters: Int[np.ndarray, " residues"]) -> Bool[np.ndarray, " residues"]:
    marked = np.zeros(len(letters), dtype=bool)
    marked[places] = True
    return marked
