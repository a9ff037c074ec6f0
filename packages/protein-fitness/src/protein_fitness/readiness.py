"""What can be read and scored here: the protein that ships, and files of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpu_commons.findings import Finding, tried
from protein_fitness.amino_acids import encode
from protein_fitness.examples import gb1
from protein_fitness.homologues import alignment_notes, read_profile
from protein_fitness.mutations.mutation import Mutant, all_singles
from protein_fitness.protein import Protein, make_protein
from protein_fitness.scorers.registry import SCORERS, SHIPPED, make_scorer
from protein_fitness.structures import Structure, read_structure


def shipped() -> list[Finding]:
    """The structure and the homologues that ship are read, and every scorer scores them."""
    protein, finding = tried("protein G's domain B1", gb1, lambda read: f"{len(read)} residues with homologues")
    return [finding, *([] if protein is None else _scorers(protein))]


def _scorers(protein: Protein) -> list[Finding]:
    """Which scorers have scores for a protein; networks in one pass."""
    mutants = all_singles(protein.sequence)
    return [_scorer(name, protein, mutants) for name in (*SCORERS, *SHIPPED)]


def _scorer(name: str, protein: Protein, mutants: Sequence[Mutant]) -> Finding:
    what = f"  {name}"
    try:
        return Finding(what, f"scores {_scored(name, protein, mutants)} of {len(mutants)} mutants")
    except ImportError as error:  # of a scorer whose package is optional
        return Finding(what, f"not here ({error})")
    except (ValueError, OSError) as error:
        return Finding(what, "cannot be used", str(error))


def _scored(name: str, protein: Protein, mutants: Sequence[Mutant]) -> int:
    scores = make_scorer(name, mode="wt").score(protein, mutants)
    return int((~np.isnan(scores)).sum())


def own_files(structure: str | None, chain: str | None, alignment: str | None, sequence: str | None) -> list[Finding]:
    """Each file by itself, then how they fit together, then which scorers can use them; arguments as of ``examine``."""
    findings: list[Finding] = []

    def look(what: str, read: Callable[[], Any], said: Callable[[Any], str]) -> Any:
        found, finding = tried(what, read, said, blocking=True)
        findings.append(finding)
        return found

    shape = None if structure is None else look("structure", lambda: read_structure(structure, chain=chain), _said)
    if sequence is not None and look("sequence", lambda: encode(sequence), lambda it: f"{len(it)} residues") is None:
        return findings
    wanted = sequence if sequence is not None or shape is None else shape.sequence
    if wanted is None:
        left = [
            Finding("alignment", "not looked at", "give the sequence, or a structure that can be read", blocking=True)
        ]
        return findings + (left if alignment is not None else [])
    notes: tuple[str, ...] = ()
    profile = None
    if alignment is not None:
        profile = look("alignment", lambda: read_profile(alignment, wanted), lambda it: f"of {len(it)} positions")
        notes = () if profile is None else alignment_notes(alignment)
    protein = look(
        "together",
        lambda: make_protein(wanted, shape, profile=profile, profile_notes=notes),
        lambda it: f"a protein of {len(it)} residues",
    )
    if protein is not None:
        findings += [*_numbering(protein), *(Finding("note", note) for note in protein.notes), *_scorers(protein)]
    return findings


def _said(structure: Structure) -> str:
    ends = f"numbered {structure.labels[0]} to {structure.labels[-1]}"
    return f"{structure.name}, chain {structure.chain!r}, {len(structure)} residues, {ends}"


def _numbering(protein: Protein) -> list[Finding]:
    """How the structure's own numbers lead to positions in the sequence."""
    if protein.structure is None or protein.along is None:
        return []
    offsets = {
        int(label) - place
        for label, place in zip(protein.structure.labels, (protein.along.position + 1).tolist(), strict=True)
        if place > 0 and label.removeprefix("-").isdigit()  # no insertion code
    }
    if offsets == {0}:
        return [Finding("numbering", "the structure's residue numbers are positions in the sequence")]
    if len(offsets) == 1:
        (offset,) = offsets
        found = f"the structure's residue {1 + offset} is position 1 of the sequence"
        return [Finding("numbering", found, f"for mutants with the structure's numbers, give --offset {offset}")]
    found = "no one offset leads from the structure's residue numbers to positions in the sequence"
    return [Finding("numbering", found, "number mutants by position in the sequence")]
