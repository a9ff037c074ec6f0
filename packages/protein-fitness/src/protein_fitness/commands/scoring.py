"""Verbs that rank mutants."""

import sys
from typing import TYPE_CHECKING

from gpu_commons.cli import show

if TYPE_CHECKING:
    from protein_fitness.protein import Protein
    from protein_fitness.scorers.scorer import Scorer


def scan_protein(
    out: str,
    structure: str | None = None,
    chain: str | None = None,
    sequence: str | None = None,
    alignment: str | None = None,
    scorer: str | None = None,
    mode: str = "auto",
    surfaces: str | None = None,
    top: int = 10,
    json: bool = False,
) -> None:
    """Score every single mutant of a protein.

    Args:
        out: CSV of all mutants; what they were made with lies beside it as .json, and with a structure, which of its
            residues stands at which position, as .map.csv.
        structure: PDB, mmCIF or BinaryCIF file.
        chain: Its label, if the file has several.
        sequence: Of the wild type, as letters; that of the structure if absent.
        alignment: a2m or aligned FASTA whose first sequence is the wild type, or frequencies as .csv.
        scorer: accessibility, contact_number, blosum62, hydrophobicity, profile, buried_profile, protein_mpnn,
            protein_mpnn_backbone, s2f (a trained network that reads an alignment), the folder of a saved model, or
            several as a+b; what the inputs allow if absent.
        mode: What a saved model masks: mask-joint, mask-single, wt or auto.
        surfaces: Folder in which a saved model that reads surfaces keeps them for the next time.
        top: How many of the best to print.
        json: Print JSON.
    """
    import numpy as np

    from protein_fitness.provenance import write_beside
    from protein_fitness.site_matrix import scan

    protein, chosen = _asked(structure, chain, sequence, alignment, scorer, mode, surfaces)
    matrix = scan(protein, chosen)
    matrix.to_csv(out)
    write_beside(out, protein, chosen)
    best = [{"mutant": mutant, "score": round(score, 4)} for mutant, score in matrix.top(top)]
    show(best, as_json=json)
    scored = int((~np.isnan(matrix.scores)).sum())
    print(f"{scored} mutants scored by {chosen.name}: {out}", file=sys.stderr)


def score_assay(
    csv: str,
    out: str,
    structure: str | None = None,
    chain: str | None = None,
    sequence: str | None = None,
    alignment: str | None = None,
    scorer: str | None = None,
    mode: str = "auto",
    surfaces: str | None = None,
    offset: int = 0,
    on_error: str = "raise",
    json: bool = False,
) -> None:
    """Score the mutants of a CSV file and, where it has measurements, say how well they are ranked.

    Args:
        csv: With a column "mutant" such as A24G or A24G:C30D, and if you like "DMS_score" (ProteinGym's names).
        out: The same rows in the same order with the columns "score" and "reason"; what they were made with lies beside
            it as .json, and with a structure, which of its residues stands at which position, as .map.csv.
        structure: PDB, mmCIF or BinaryCIF file.
        chain: Its label, if the file has several.
        sequence: Of the wild type, as letters; that of the structure if absent.
        alignment: a2m or aligned FASTA whose first sequence is the wild type, or frequencies as .csv.
        scorer: accessibility, contact_number, blosum62, hydrophobicity, profile, buried_profile, protein_mpnn,
            protein_mpnn_backbone, s2f (a trained network that reads an alignment), the folder of a saved model, or
            several as a+b; what the inputs allow if absent.
        mode: What a saved model masks: mask-joint, mask-single, wt or auto.
        surfaces: Folder in which a saved model that reads surfaces keeps them for the next time.
        offset: The file's position of the first residue of the sequence, less one.
        on_error: "raise", or "nan" to keep a bad row without a score and with the reason.
        json: Print JSON.
    """
    from protein_fitness.assay import read_assay, score_rows, write_scored
    from protein_fitness.provenance import write_beside

    assay = read_assay(csv)
    protein, chosen = _asked(structure, chain, sequence, alignment, scorer, mode, surfaces)
    scored = score_rows(assay, protein, chosen, offset=offset, on_error=on_error)
    write_scored(scored, out)
    write_beside(out, protein, chosen, offset=offset)
    show(scored.summary(), as_json=json)


def _asked(
    structure: str | None,
    chain: str | None,
    sequence: str | None,
    alignment: str | None,
    scorer: str | None,
    mode: str,
    surfaces: str | None,
) -> tuple["Protein", "Scorer"]:
    """The protein and its scorer, with what was decided on the way told on stderr."""
    from protein_fitness.homologues import alignment_notes, read_profile
    from protein_fitness.protein import make_protein
    from protein_fitness.scorers.registry import make_scorer, usual_scorer
    from protein_fitness.scorers.scorer import notes_of
    from protein_fitness.structures import read_structure

    shape = None if structure is None else read_structure(structure, chain=chain)
    wanted = sequence if sequence is not None or shape is None else shape.sequence
    profile = None if alignment is None or wanted is None else read_profile(alignment, wanted)
    told = () if alignment is None else alignment_notes(alignment)
    protein = make_protein(wanted, shape, profile=profile, profile_notes=told)
    chosen = usual_scorer(protein) if scorer is None else make_scorer(scorer, mode=mode, surfaces=surfaces)
    for note in (*protein.notes, *notes_of(chosen, protein)):
        print(note, file=sys.stderr)
    return protein, chosen
