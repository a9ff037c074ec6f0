"""Mutations: what a mutant is, how it is written, and whether it belongs to a sequence."""

from protein_fitness.mutations.checking import ParsedMutants, check_mutants, parse_mutants
from protein_fitness.mutations.mutation import Mutant, Substitution, all_singles, parse_mutant

__all__ = [
    "Mutant",
    "ParsedMutants",
    "Substitution",
    "all_singles",
    "check_mutants",
    "parse_mutant",
    "parse_mutants",
]
