"""Files of structures: formats, and the atoms of one model."""

import gzip
import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biotite.structure import AtomArray
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile, get_model_count, get_structure

from protein_fitness.structures.confidence import Claim, claim_of_cif, claim_of_pdb

_FIELDS = ["b_factor", "occupancy"]


@dataclass(frozen=True, kw_only=True, eq=False)
class StructureFile:
    """What a file holds of one model.

    Attributes:
        path: Where it is.
        digest: SHA-256 of its bytes.
        num_models: How many it has.
        atoms: Of the model, with all alternative locations (``altloc_id``), ``occupancy`` and ``b_factor``.
        claim: What it says of itself: a prediction, an experiment, or neither.
    """

    path: Path
    digest: str
    num_models: int
    atoms: AtomArray
    claim: Claim


def read_file(path: Path, model: int) -> StructureFile:
    """Read one model of a PDB, mmCIF or BinaryCIF file, which may be compressed by gzip.

    Args:
        path: Its suffix tells the format: .pdb, .ent, .cif, .mmcif or .bcif, and .gz after it.
        model: From 1 on.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the suffix is unknown, the file is broken, or it does not have the model.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no structure file {path}; check the path.")
    compressed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if compressed else path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"{path} ends in {suffix!r}; use {', '.join(_FORMATS)}, or one of these and .gz.")
    content = path.read_bytes()
    name, read = _FORMATS[suffix]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of guessed elements and odd unit cells, which nothing here depends on
        try:
            num_models, atoms, claim = read(gzip.decompress(content) if compressed else content, model)
        except Exception as error:  # a broken file trips its parser in many ways
            raise ValueError(
                f"{path} cannot be read as {name} ({type(error).__name__}: {error}); it may be cut off or of another format."
            ) from error
    if atoms is None:
        raise ValueError(f"{path} has no model {model}; ask for one of its {num_models}, counted from 1.")
    return StructureFile(
        path=path, digest=hashlib.sha256(content).hexdigest(), num_models=num_models, atoms=atoms, claim=claim
    )


_Read = tuple[int, AtomArray | None, Claim]


def _read_pdb(content: bytes, model: int) -> _Read:
    lines = content.decode(errors="replace").splitlines()
    file = PDBFile.read(io.StringIO("\n".join(map(_filled, lines))))
    count = file.get_model_count()
    if not count:
        raise ValueError("no atoms")
    atoms = file.get_structure(model=model, altloc="all", extra_fields=_FIELDS) if 1 <= model <= count else None
    return count, atoms, claim_of_pdb(lines)


def _filled(line: str) -> str:
    """The same line, with occupancy 1 and B-factor 0 for an atom that has none, as some programs write them."""
    if not line.startswith(("ATOM", "HETATM")):
        return line
    occupancy, b_factor = line[54:60], line[60:66]
    return f"{line[:54]:<54}{occupancy if occupancy.strip() else '1.00':>6}{b_factor if b_factor.strip() else '0.00':>6}{line[66:]}"


def _read_cif(content: bytes, model: int) -> _Read:
    return _read_pdbx(CIFFile.read(io.StringIO(content.decode(errors="replace"))), model)


def _read_binary_cif(content: bytes, model: int) -> _Read:
    return _read_pdbx(BinaryCIFFile.read(io.BytesIO(content)), model)


def _read_pdbx(file: CIFFile | BinaryCIFFile, model: int) -> _Read:
    count = get_model_count(file)
    altloc = "all" if "label_alt_id" in file.block["atom_site"] else "first"
    atoms = get_structure(file, model=model, altloc=altloc, extra_fields=_FIELDS) if 1 <= model <= count else None
    return count, atoms, claim_of_cif(file.block)


_FORMATS: dict[str, tuple[str, Callable[[bytes, int], _Read]]] = {
    ".pdb": ("PDB", _read_pdb),
    ".ent": ("PDB", _read_pdb),
    ".cif": ("mmCIF", _read_cif),
    ".mmcif": ("mmCIF", _read_cif),
    ".bcif": ("BinaryCIF", _read_binary_cif),
}
