"""ProMod3's database of structures: 21,119 chains of the PDB with homologues' frequencies, as one file of Debian.

``promod3-data`` holds it as ``structure_db.dat``. Its arrays are read in place, a chain at a time.
"""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from protein_fitness.structures.accessibility import MAXIMAL_ACCESSIBILITY
from protein_fitness.structures.backbone import breaks_of
from protein_fitness.structures.structure import Structure

_FIRST_RECORD = 85
_COUNT_AT = 77
_COLUMNS = {
    "sequence": ("u1", 1),
    "coordinates": ("<u2", 12),
    "dihedrals": ("<u2", 2),
    "accessibility": ("<u2", 1),
    "depth": ("<u2", 1),
    "dssp": ("u1", 1),
    "profile": ("<u2", 20),
    "structure_profile": ("<u2", 20),
}
_COUNT_BYTES = 8
_ANGSTROM, _SHARE = 0.01, 1e-4


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a chain lies.

    Attributes:
        name: Its PDB entry.
        chain: Its label.
        first: Its first residue among all of the database (0-based).
        size: Its residues.
        number: What the file calls its first residue.
    """

    name: str
    chain: str
    first: int
    size: int
    number: int


class StructureDatabase:
    """Chains by number or by name.

    Args:
        path: ``structure_db.dat``, or a folder that holds it somewhere.

    Raises:
        ValueError: If there is no such file, or it is laid out otherwise.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = _found(Path(path))
        self.entries, begin = _entries(self.path)
        total = sum(entry.size for entry in self.entries)
        self._columns: dict[str, np.memmap] = {}
        for name, (kind, width) in _COLUMNS.items():
            (count,) = np.memmap(self.path, "<u8", "r", offset=begin, shape=(1,))
            if count != total:
                raise ValueError(
                    f"{self.path.name} has {count} residues in {name} and {total} in its index; "
                    "take the file of Debian's promod3-data 3.2.1."
                )
            begin += _COUNT_BYTES
            self._columns[name] = np.memmap(self.path, kind, "r", offset=begin, shape=(total, width))
            begin += total * width * np.dtype(kind).itemsize

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, name: str, chain: str | None = None) -> int:
        """The number of a chain by its PDB entry, in upper or lower case.

        Raises:
            ValueError: If it is not there.
        """
        for number, entry in enumerate(self.entries):
            if entry.name == name.upper() and chain in (None, entry.chain):
                return number
        raise ValueError(f"{self.path.name} has no chain {chain or ''} of {name}; read a structure file instead.")

    def structure(self, number: int) -> Structure:
        """A chain by its number (0-based); it has no side chains, and accessibility is that of the database."""
        entry = self.entries[number]
        sequence = self._rows("sequence", entry).tobytes().decode("ascii")
        atoms = self._rows("coordinates", entry).reshape(entry.size, 4, 3) * _ANGSTROM
        backbone = atoms[:, :3].astype(float)
        numbers = entry.number + np.arange(entry.size)
        return Structure(
            name=entry.name,
            chain=entry.chain,
            sequence=sequence,
            labels=tuple(map(str, numbers.tolist())),
            backbone=backbone,
            accessibility=self._rows("accessibility", entry)[:, 0]
            / np.array([MAXIMAL_ACCESSIBILITY.get(letter, np.nan) for letter in sequence]),
            plddt=None,
            break_after=breaks_of(backbone, numbers),
            notes=(),
            digest=hashlib.sha256(sequence.encode() + backbone.tobytes()).hexdigest(),
            oxygen=atoms[:, 3].astype(float),
        )

    def profile(self, number: int) -> Float[np.ndarray, "residues 20"]:
        """Frequencies of the twenty amino acids among homologues of a chain, in the order of ``AMINO_ACIDS``."""
        found = self._rows("profile", self.entries[number]) * _SHARE
        return found / found.sum(1, keepdims=True).clip(_SHARE)

    def _rows(self, name: str, entry: Entry) -> np.ndarray:
        return np.asarray(self._columns[name][entry.first : entry.first + entry.size])


def _found(path: Path) -> Path:
    if path.is_file():
        return path
    for inside in sorted(path.rglob("structure_db.dat")):
        return inside
    raise ValueError(
        f"there is no structure_db.dat at {path}; unpack Debian's promod3-data (`apt-get download promod3-data`, "
        "`dpkg-deb -x promod3-data*.deb FOLDER`) and give the folder."
    )


def _entries(path: Path) -> tuple[list[Entry], int]:
    """The index, and where it ends."""
    with path.open("rb") as file:
        head = file.read(4 << 20)
    entries, place = [], _FIRST_RECORD
    try:
        (count,) = struct.unpack_from("<I", head, _COUNT_AT)
        for _ in range(count):
            name, place = _text(head, place)
            chain, place = _text(head, place)
            first, size, number = struct.unpack_from("<IHH", head, place)
            place += 8 + 12  # a shift of the coordinates follows, which no distance needs
            entries.append(Entry(name=name, chain=chain, first=first, size=size, number=number))
    except (struct.error, UnicodeDecodeError):
        raise ValueError(
            f"{path.name} is not laid out as the structure database of promod3-data 3.2.1; take that file."
        ) from None
    return entries, place


def _text(head: bytes, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", head, place)
    return head[place + 4 : place + 4 + length].decode("ascii"), place + 4 + length
