"""The part of a long protein that is read at a time."""

from protein_fitness.protein import Protein
from protein_fitness.scoring.site_sets import Sites


def window_about(sites: Sites, length: int, longest: int | None) -> range:
    """The window (0-based, end exclusive) that holds all sites: centred between the outermost, moved in at the ends.

    Args:
        sites: At least one.
        length: Of the protein.
        longest: Most residues of a window; None for all.

    Raises:
        ValueError: If the sites lie too far apart.

    Source: the released code of S3F (Zhang et al. 2024) centres on the first site, so that another may lie outside.
    """
    size = length if longest is None else min(longest, length)
    first, last = min(sites), max(sites)
    if last - first >= size:
        raise ValueError(
            f"the sites {first + 1} and {last + 1} of one mutant lie {last - first} residues apart and {size} are read at "
            'a time; score it with `mode` "mask-single" or "wt".'
        )
    start = min(max((first + last + 1 - size) // 2, 0), length - size)
    return range(start, start + size)


def cut(protein: Protein, window: range) -> Protein:
    """The sequence and the profile of a window; :class:`protein_fitness.scoring.scene.Scene` cuts the structure."""
    part = slice(window.start, window.stop)
    profile = None if protein.profile is None else protein.profile[part]
    return Protein(sequence=protein.sequence[part], profile=profile)
