"""ProteinGym's reference file: what assays there are, and what belongs to each."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protein_fitness.amino_acids import encode

COLUMNS = (
    "DMS_id",
    "DMS_filename",
    "UniProt_ID",
    "target_seq",
    "DMS_total_number_mutants",
    "coarse_selection_type",
    "taxon",
    "MSA_Neff_L_category",
    "pdb_file",
    "MSA_filename",
    "MSA_start",
    "MSA_end",
    "MSA_theta",
)
"""What is read. Mutants of the processed tables are numbered along ``target_seq``, so that no offset is needed, and
structures are aligned to it, so that ``pdb_range`` is not."""


@dataclass(frozen=True, kw_only=True)
class ReferenceAssay:
    """One assay, as the reference file has it.

    Attributes:
        name: ProteinGym's ``DMS_id``.
        file: Of its mutants, without folder.
        protein: UniProt's name for it.
        sequence: Of the wild type.
        mutants: How many there should be.
        selection: What was measured, one of five coarse types.
        taxon: Of the protein.
        msa_depth: "Low", "Medium" or "High".
        structures: Files, without folder; more than one if the structure was predicted in pieces.
        alignment: File of relatives, without folder.
        aligned: First and last position of the alignment in the sequence, from 1, both included.
        identity: Relatives at least this alike share one vote.
    """

    name: str
    file: str
    protein: str
    sequence: str
    mutants: int
    selection: str
    taxon: str
    msa_depth: str
    structures: tuple[str, ...]
    alignment: str
    aligned: tuple[int, int]
    identity: float


def read_reference(path: str | os.PathLike[str]) -> tuple[ReferenceAssay, ...]:
    """Read the reference file of substitutions (``DMS_substitutions.csv``).

    Raises:
        ValueError: If there is no such file, a column is missing, or a row cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {file}; give ProteinGym's reference file DMS_substitutions.csv.")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        table = csv.DictReader(opened)
        rows = list(table)
    if missing := [name for name in COLUMNS if name not in (table.fieldnames or ())]:
        raise ValueError(
            f"{file.name} has no column {', '.join(missing)}; give ProteinGym's reference file of substitutions, v1.1 or later."
        )
    assays = tuple(_assay(row, f"{file.name}, line {line}") for line, row in enumerate(rows, start=2))
    names = [assay.name for assay in assays]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{file.name} has {twice[0]} more than once; leave one row of it.")
    return assays


def chosen(assays: Sequence[ReferenceAssay], names: Sequence[str] | None) -> tuple[ReferenceAssay, ...]:
    """Those that are named, or all of them.

    Raises:
        ValueError: If a name is none of theirs.
    """
    if names is None:
        return tuple(assays)
    there = {assay.name: assay for assay in assays}
    if unknown := [name for name in names if name not in there]:
        raise ValueError(f"the reference file has no assay {unknown[0]!r}; names are those of its column DMS_id.")
    return tuple(there[name] for name in names)


def _assay(row: dict[str, str], place: str) -> ReferenceAssay:
    for name in ("DMS_id", "DMS_filename", "UniProt_ID", "target_seq", "coarse_selection_type"):
        if not row[name]:
            raise ValueError(f"{place}: {name} is empty; every assay needs one.")
    try:
        encode(row["target_seq"])
        return ReferenceAssay(
            name=row["DMS_id"],
            file=row["DMS_filename"],
            protein=row["UniProt_ID"],
            sequence=row["target_seq"],
            mutants=int(row["DMS_total_number_mutants"]),
            selection=row["coarse_selection_type"],
            taxon=row["taxon"],
            msa_depth=row["MSA_Neff_L_category"].capitalize(),
            structures=tuple(name for name in row["pdb_file"].split("|") if name),
            alignment=row["MSA_filename"],
            aligned=(int(row["MSA_start"] or 1), int(row["MSA_end"] or len(row["target_seq"]))),
            identity=1 - float(row["MSA_theta"] or 0.2),
        )
    except ValueError as error:
        raise ValueError(f"{place}: {row['DMS_id']} cannot be read: {error}") from None
