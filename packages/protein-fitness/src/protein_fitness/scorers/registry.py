"""Scorers by name."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from protein_fitness.protein import Protein
from protein_fitness.scorers.ensemble import Ensemble
from protein_fitness.scorers.geometry import Accessibility, ContactNumber
from protein_fitness.scorers.profile import BuriedProfile, Profile
from protein_fitness.scorers.protein_mpnn import ProteinMPNN
from protein_fitness.scorers.scorer import Scorer
from protein_fitness.scorers.substitution import Blosum62, Hydrophobicity

SCORERS: dict[str, Callable[[], Scorer]] = {
    "accessibility": Accessibility,
    "contact_number": ContactNumber,
    "blosum62": Blosum62,
    "hydrophobicity": Hydrophobicity,
    "profile": Profile,
    "buried_profile": BuriedProfile,
    "protein_mpnn": ProteinMPNN,
    "protein_mpnn_backbone": partial(ProteinMPNN, letters=False),
}
SHIPPED = {"s2f": Path(__file__).parent.parent / "data" / "models" / "s2f"}
"""Folders of the trained networks that the package carries. That one reads structure, letters and homologues."""


def make_scorer(
    names: str | Sequence[str], *, mode: str = "auto", surfaces: str | os.PathLike[str] | None = None
) -> Scorer:
    """A scorer, or with several names or "a+b" their ensemble.

    Args:
        names: Of ``SCORERS`` and ``SHIPPED``, or folders of saved models; see
            :class:`protein_fitness.scoring.predictor.FitnessPredictor`.
        mode: What saved models mask; see there. Others mask nothing.
        surfaces: Folder in which saved models that read surfaces keep them; see there.

    Raises:
        ValueError: If a name is neither, or there is no such mode.
        ImportError: If a scorer's package is not installed; the message is the pip line.
    """
    made = [_made(name, mode, surfaces) for name in (names.split("+") if isinstance(names, str) else names)]
    return made[0] if len(made) == 1 else Ensemble(made)


def _made(name: str, mode: str, surfaces: str | os.PathLike[str] | None) -> Scorer:
    if name in SCORERS:
        return SCORERS[name]()
    folder = SHIPPED.get(name, Path(name))
    if name not in SHIPPED and not (folder / "config.json").is_file():
        raise ValueError(
            f"there is no scorer {name!r}; there are {', '.join((*SCORERS, *SHIPPED))}, or give the folder of a saved "
            "model."
        )
    from protein_fitness.scoring.predictor import FitnessPredictor  # torch takes seconds to import

    return FitnessPredictor.from_pretrained(folder, mode=mode, surfaces=surfaces)


def usual_scorer(protein: Protein) -> Scorer:
    """The ensemble for what is known of a protein: burial, the substitution, and homologues as far as they are there.

    The members were chosen on TEM-1 and on double mutants of GB1.
    """
    names = ["blosum62"]
    if protein.structure is not None:
        names += ["accessibility", "contact_number"]
    if protein.profile is not None:
        names.append("profile" if protein.structure is None else "buried_profile")
    return make_scorer(names)
