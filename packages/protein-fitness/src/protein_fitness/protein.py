"""What is asked about: a sequence, and what is known of its shape and its relatives."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from protein_fitness.structures.alignment import SequenceMap, align
from protein_fitness.structures.structure import Structure


@dataclass(frozen=True, kw_only=True, eq=False)
class Protein:
    """A sequence with what lies along it.

    Attributes:
        sequence: Of the wild type, one letter a residue; X is not mutated.
        structure: Of one chain, or None.
        along: Which residue of the structure stands for which of the sequence; None without a structure.
        profile: Frequencies of the twenty amino acids among relatives, by position; None without an alignment.
        profile_notes: What was decided where the profile was read, a sentence each.
    """

    sequence: str
    structure: Structure | None = None
    along: SequenceMap | None = None
    profile: Float[np.ndarray, "positions 20"] | None = None
    profile_notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.profile is not None and len(self.profile) != len(self.sequence):
            raise ValueError(
                f"`profile` has {len(self.profile)} positions and the sequence {len(self.sequence)}; give one row a residue."
            )

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided on the way, a sentence each."""
        read = () if self.structure is None else self.structure.notes
        return (*read, *(() if self.along is None else self.along.mismatches), *self.profile_notes)

    def of_structure(self, values: Float[np.ndarray, " residues"]) -> Float[np.ndarray, " positions"]:
        """Values of the structure's residues, brought to the positions of the sequence; NaN where there is none."""
        assert self.along is not None
        found = np.full(len(self), np.nan)
        there = self.along.residue >= 0
        found[there] = values[self.along.residue[there]]
        return found


def make_protein(
    sequence: str | None = None,
    structure: Structure | None = None,
    *,
    profile: Float[np.ndarray, "positions 20"] | None = None,
    profile_notes: tuple[str, ...] = (),
) -> Protein:
    """Bring together what is known of a protein.

    Args:
        sequence: Of the wild type; that of the structure if absent.
        structure: Of one chain.
        profile: Frequencies among relatives; see :func:`protein_fitness.homologues.read_profile`.
        profile_notes: See :func:`protein_fitness.homologues.alignment_notes`.

    Raises:
        ValueError: If there is neither sequence nor structure, or they are of different proteins.
    """
    if sequence is None and structure is None:
        raise ValueError("there is neither a sequence nor a structure; give at least one of them.")
    wanted = structure.sequence if sequence is None and structure is not None else sequence
    assert wanted is not None
    along = None if structure is None else align(structure, wanted)
    return Protein(sequence=wanted, structure=structure, along=along, profile=profile, profile_notes=profile_notes)
