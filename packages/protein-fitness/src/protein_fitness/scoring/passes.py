"""Which passes of a network score mutants, by the definition of the score."""

from collections.abc import Iterable
from dataclasses import dataclass

from protein_fitness.scoring.site_sets import Sites
from protein_fitness.scoring.windows import window_about

MODES = ("mask-joint", "mask-single", "wt")
"""What is masked when a mutant's site is read: all sites of the mutant, that site alone, or nothing."""
MOST_SITE_SETS = 50_000
"""Above so many "auto" is "wt"."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One reading of a protein.

    Attributes:
        window: Of the sequence, 0-based.
        masked: Sites that are masked.
        read: Sites whose amino acids are asked for.
    """

    window: range
    masked: Sites
    read: Sites


def chosen_mode(mode: str, site_sets: int) -> str:
    """The mode that "auto" is for so many distinct sets of sites; others are what they are.

    Raises:
        ValueError: If there is no such mode.
    """
    if mode not in ("auto", *MODES):
        raise ValueError(f"`mode` must be auto, {', '.join(MODES)}, got {mode!r}.")
    if mode != "auto":
        return mode
    return "wt" if site_sets > MOST_SITE_SETS else "mask-joint"


def masked_with(mode: str, site: int, sites: Sites) -> Sites:
    """What is masked when a site of a mutant of these sites is read."""
    return {"mask-joint": sites, "mask-single": (site,), "wt": ()}[mode]


def passes_of(mode: str, site_sets: Iterable[Sites], length: int, longest: int | None) -> list[Pass]:
    """The passes for sets of sites, those of one window side by side: one a set, one a site, or one in all.

    Args:
        mode: One of ``MODES``.
        site_sets: Distinct ones.
        length: Of the protein.
        longest: Most residues that are read at a time; None for all. A longer protein is read without masks in windows
            about blocks of half as many, so that no site is read at the end of a window that is not one of the protein.

    Raises:
        ValueError: If the sites of a mutant lie too far apart to be masked together.
    """
    single = sorted({site for sites in site_sets for site in sites}) if mode != "mask-joint" else []
    if mode == "wt":
        return _unmasked(single, length, longest)
    masked = [(site,) for site in single] if mode == "mask-single" else list(site_sets)
    passes = [Pass(window=window_about(sites, length, longest), masked=sites, read=sites) for sites in masked]
    return sorted(passes, key=lambda one: one.window.start)


def _unmasked(sites: list[int], length: int, longest: int | None) -> list[Pass]:
    block = max(1, length if longest is None or longest >= length else longest // 2)
    read: dict[range, list[int]] = {}
    for site in sites:
        start = site - site % block
        window = window_about((start, min(start + block, length) - 1), length, longest)
        read.setdefault(window, []).append(site)
    return [Pass(window=window, masked=(), read=tuple(found)) for window, found in read.items()]
