import struct

import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.structures.database import StructureDatabase


@pytest.fixture
def database(tmp_path):
    """Two chains, written by the layout alone: 3 and 2 residues."""
    draws = np.random.default_rng(0)
    sequence = b"ACDWY"
    coordinates = draws.integers(0, 5000, size=(5, 4, 3)).astype("<u2")
    frequencies = draws.integers(1, 900, size=(5, 20)).astype("<u2")
    accessible = np.array([10, 20, 30, 40, 50], dtype="<u2")
    index = b"".join(
        struct.pack(f"<I{len(name)}sI1sIHH3f", len(name), name, 1, chain, first, size, number, 1.0, 2.0, 3.0)
        for name, chain, first, size, number in [(b"1ABC", b"A", 0, 3, 7), (b"2XYZ", b"B", 3, 2, 1)]
    )
    columns = [
        np.frombuffer(sequence, "u1"),
        coordinates,
        np.zeros((5, 2), "<u2"),
        accessible,
        np.zeros(5, "<u2"),
        np.zeros(5, "u1"),
        frequencies,
        np.zeros((5, 20), "<u2"),
    ]
    body = b"".join(struct.pack("<Q", 5) + column.tobytes() for column in columns)
    path = tmp_path / "loop_data" / "structure_db.dat"
    path.parent.mkdir()
    path.write_bytes(b"\0" * 77 + struct.pack("<I", 2) + b"\0" * 4 + index + body)
    return tmp_path, coordinates, accessible, frequencies


def test_a_chain_is_what_was_written(database):
    folder, coordinates, accessible, frequencies = database
    chains = StructureDatabase(folder)

    structure = chains.structure(chains.find("2xyz"))

    assert len(chains) == 2
    assert structure.sequence == "WY"
    assert structure.labels == ("1", "2")
    assert np.allclose(structure.backbone, coordinates[3:, :3] * 0.01)
    assert np.allclose(structure.oxygen, coordinates[3:, 3] * 0.01)
    assert structure.accessibility[0] == pytest.approx(accessible[3] / 285)  # tryptophan's largest, in Å²
    assert structure.plddt is None
    found = chains.profile(1)
    assert np.allclose(found, frequencies[3:] / frequencies[3:].sum(1, keepdims=True))
    assert found.shape == (2, len(AMINO_ACIDS))


def test_a_chain_that_is_not_there_is_named(database):
    with pytest.raises(ValueError, match="structure_db.dat has no chain A of 2XYZ; read a structure file instead"):
        StructureDatabase(database[0]).find("2XYZ", "A")


def test_another_layout_is_refused(database):
    path = database[0] / "loop_data" / "structure_db.dat"
    content = bytearray(path.read_bytes())
    place = content.index(struct.pack("<Q", 5))
    content[place] = 6
    path.write_bytes(content)

    with pytest.raises(ValueError, match="has 6 residues in sequence and 5 in its index; take the file of Debian's"):
        StructureDatabase(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "structure_db.dat"
    path.write_bytes(b"\xff" * 200)

    with pytest.raises(ValueError, match="is not laid out as the structure database of promod3-data 3.2.1"):
        StructureDatabase(path)


def test_a_folder_without_it_says_how_to_get_it(tmp_path):
    with pytest.raises(ValueError, match="apt-get download promod3-data"):
        StructureDatabase(tmp_path)
