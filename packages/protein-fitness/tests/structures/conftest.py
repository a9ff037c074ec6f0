"""Tiny structures, written line by line."""

from pathlib import Path

import pytest

import protein_fitness

ATOMS = {  # of an extended chain, 3.8 Å a residue, in which C and the next N are 1.7 Å apart
    "N": (0.0, 0.0, 0.0),
    "CA": (1.46, 0.0, 0.0),
    "C": (2.5, 1.1, 0.0),
    "O": (2.5, 2.3, 0.0),
    "CB": (1.46, -1.5, 0.0),
}


@pytest.fixture(scope="session")
def protein_g():
    """The file of protein G's domain B1, 1PGA."""
    return Path(protein_fitness.__file__).parent / "data" / "1pga.pdb"


@pytest.fixture(scope="session")
def atom():
    """Writes an atom as a line of a PDB file."""

    def line(
        name,
        at,
        residue,
        number,
        *,
        chain="A",
        insertion=" ",
        location=" ",
        occupancy=1.0,
        b=20.0,
        hetero=False,
        element=None,
    ):
        kind, element = "HETATM" if hetero else "ATOM", element or name[0]
        x, y, z = at
        return (
            f"{kind:<6}{1:>5} {name:<4}{location}{residue:>3} {chain}{number:>4}{insertion}   "
            f"{x:8.3f}{y:8.3f}{z:8.3f}{occupancy:6.2f}{b:6.2f}          {element:>2}  "
        )

    return line


@pytest.fixture(scope="session")
def residue(atom):
    """Writes a residue of an extended chain; ``place`` is where it stands, by default where its number says."""

    def lines(number, name="ALA", *, atoms=tuple(ATOMS), place=None, shift=0.0, **others):
        start = 3.8 * (number if place is None else place)
        return [
            atom(one, (start + ATOMS[one][0], ATOMS[one][1], ATOMS[one][2] + shift), name, number, **others)
            for one in atoms
        ]

    return lines


@pytest.fixture
def write(tmp_path):
    """Writes lists of lines as a file."""

    def written(*parts, name="tiny.pdb"):
        path = tmp_path / name
        path.write_text("".join(f"{line:<80}\n" for part in parts for line in part), encoding="utf-8")
        return path

    return written
