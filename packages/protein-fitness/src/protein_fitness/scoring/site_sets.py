"""Mutants by the sites that they change: those of one set are scored by one pass."""

from collections.abc import Sequence

from protein_fitness.mutations.mutation import Mutant

Sites = tuple[int, ...]
"""Positions in the sequence, 0-based and ascending."""


def site_sets(mutants: Sequence[Mutant]) -> dict[Sites, list[int]]:
    """Each distinct set of sites, with the places in the list of the mutants that change it."""
    sets: dict[Sites, list[int]] = {}
    for place, mutant in enumerate(mutants):
        sets.setdefault(tuple(sorted(position - 1 for position in mutant.positions)), []).append(place)
    return sets
