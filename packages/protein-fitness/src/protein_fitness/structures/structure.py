"""One chain of a structure: what the package knows of a protein's shape."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

N, CA, C = 0, 1, 2
"""Places of the backbone's atoms in ``Structure.backbone``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Structure:
    """A chain, residue by residue (0-based, in the order of the chain).

    Side chains are not kept: they would tell which residue is masked. What burial needs of them is in
    ``accessibility``.

    Attributes:
        name: Of the file, without folder.
        chain: Its label.
        sequence: One letter a residue; X where the type is not one of the twenty.
        labels: Number and insertion code of each residue in the file, such as "52A".
        backbone: N, CA and C in Å; NaN for atoms that the file lacks.
        oxygen: The backbone's O in Å, NaN where the file lacks it; None where it was not read.
        accessibility: Relative solvent accessibility, from 0 (buried) to about 1; NaN where atoms are missing.
        plddt: Confidence of a predicted structure, 0 to 100; None for an experimental one.
        break_after: Whether the chain is broken between a residue and the next.
        notes: What was decided while reading, a sentence each.
        digest: SHA-256 of the file's bytes.
    """

    name: str
    chain: str
    sequence: str
    labels: tuple[str, ...]
    backbone: Float[np.ndarray, "residues 3 3"]
    accessibility: Float[np.ndarray, " residues"]
    plddt: Float[np.ndarray, " residues"] | None
    break_after: Bool[np.ndarray, " residues"]
    notes: tuple[str, ...]
    digest: str
    oxygen: Float[np.ndarray, "residues 3"] | None = None

    def __len__(self) -> int:
        return len(self.sequence)
