"""One chain of a structure file, read into what the package works on."""

import os
from pathlib import Path

import numpy as np
from biotite.structure import AtomArray, get_residue_starts

from protein_fitness.structures.accessibility import relative_accessibility
from protein_fitness.structures.alternatives import without_alternatives
from protein_fitness.structures.backbone import atoms_named, backbone_of, breaks_of, coordinates_of
from protein_fitness.structures.confidence import confidence
from protein_fitness.structures.files import StructureFile, read_file
from protein_fitness.structures.modified_residues import letter_of
from protein_fitness.structures.notes import gap_notes, labels_of, listed, type_notes
from protein_fitness.structures.polymer import protein_of
from protein_fitness.structures.structure import CA, Structure


def read_structure(
    path: str | os.PathLike[str], *, chain: str | None = None, model: int = 1, plddt: str | np.ndarray = "auto"
) -> Structure:
    """Read one chain's protein from a PDB, mmCIF or BinaryCIF file; each may be compressed by gzip.

    Of alternative locations the one with the highest occupancy is read. Modified residues get their parent's letter,
    or X. Waters and ligands are left out, and so are residues without CA. Whatever was decided is in the notes.

    Args:
        path: Ends in .pdb, .ent, .cif, .mmcif or .bcif, and .gz may follow.
        chain: Its label, in mmCIF the author's; may be left out if only one chain is protein.
        model: From 1 on.
        plddt: "auto" reads the confidence from the B-factors if the file says that they are that, and never if it names
            an experiment; "b_factor" and "none" decide it; an array gives a value, 0 to 100, for each residue read.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read or does not have the model, no chain is protein, several are and none is
            named, or the named one is not there or not protein, or ``plddt`` does not fit.
    """
    file = read_file(Path(path), model)
    label, atoms, notes = _chain(file, chain)
    if file.num_models > 1:
        notes.insert(0, f"Model {model} of {file.num_models} is read.")
    starts = get_residue_starts(atoms)
    backbone, accessibility = backbone_of(atoms, starts), relative_accessibility(atoms, starts)
    oxygen = coordinates_of("O", atoms, starts)
    placed = np.isfinite(backbone[:, CA]).all(axis=-1)
    if not placed.any():
        raise ValueError(f"chain {label!r} of {file.path} has no residue with CA; give a structure with its backbone.")
    if not placed.all():
        notes.append(f"Left out for want of CA: {listed(labels_of(atoms, starts[~placed]))}.")
    starts, backbone, accessibility, oxygen = starts[placed], backbone[placed], accessibility[placed], oxygen[placed]
    names, labels = atoms.res_name[starts].tolist(), labels_of(atoms, starts)
    broken = breaks_of(backbone, atoms.res_id[starts])
    b_factors = atoms.b_factor[atoms_named("CA", atoms, starts)]
    values, decided = confidence(plddt, b_factors, file.claim, f"chain {label!r} of {file.path}")
    return Structure(
        name=file.path.name,
        chain=label,
        sequence="".join(map(letter_of, names)),
        labels=labels,
        backbone=backbone,
        accessibility=accessibility,
        plddt=values,
        break_after=broken,
        notes=(*notes, *type_notes(names, labels), *gap_notes(backbone, accessibility, broken, labels), decided),
        digest=file.digest,
        oxygen=oxygen,
    )


def _chain(file: StructureFile, wanted: str | None) -> tuple[str, AtomArray, list[str]]:
    """Label, protein and notes of the chain that was asked for, or of the only one."""
    present = list(dict.fromkeys(file.atoms.chain_id.tolist()))
    others = ", ".join(map(repr, present))
    if wanted is not None and wanted not in present:
        raise ValueError(f"{file.path} has no chain {wanted!r}; it has {others}.")
    found = {}
    for label in present if wanted is None else [wanted]:
        atoms, notes = without_alternatives(file.atoms[file.atoms.chain_id == label])
        if len(protein := protein_of(atoms)):
            found[label] = (label, protein, notes)
    if not found and wanted is not None:
        raise ValueError(f"chain {wanted!r} of {file.path} has no protein residue; the file has {others}.")
    if not found:
        raise ValueError(f"{file.path} has no protein residue; give the structure of a protein.")
    if len(found) > 1:
        raise ValueError(f"{file.path} has several protein chains; name one of {', '.join(map(repr, found))}.")
    return next(iter(found.values()))
