"""A structure lies along a sequence as it was cut from it, or is refused."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.structures import Structure, align, read_structure
from protein_fitness.structures.alignment import _at_breaks

SEQUENCE = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"


def made(sequence, breaks=(), first=1):
    """A structure of which only the sequence and the breaks matter."""
    number = len(sequence)
    broken = np.zeros(number, dtype=bool)
    broken[list(breaks)] = True
    return Structure(
        name="made.pdb",
        chain="A",
        sequence=sequence,
        labels=tuple(str(first + at) for at in range(number)),
        backbone=np.zeros((number, 3, 3)),
        accessibility=np.zeros(number),
        plddt=None,
        break_after=broken,
        notes=(),
        digest="",
    )


def test_the_same_sequence_is_mapped_place_by_place(protein_g):
    structure = read_structure(protein_g)
    found = align(structure, SEQUENCE)
    assert found.position.tolist() == found.residue.tolist() == list(range(56))
    assert (found.identity, found.mismatches) == (1.0, ())


@given(st.data())
def test_residues_that_the_file_lacks_are_left_out(data):
    """Ends that hang over on either side, and a loop cut out where the chain is broken."""
    start, stop = data.draw(st.integers(0, 12)), data.draw(st.integers(44, 56))
    cut = data.draw(st.integers(start + 12, stop - 13))
    loop = data.draw(st.integers(0, 8))
    kept = [*range(start, cut), *range(min(cut + loop, stop), stop)]
    tag, more = data.draw(st.sampled_from(["", "GSH", "HHHHHH"])), data.draw(st.sampled_from(["", "WWPWWPWW"]))
    structure = made(tag + "".join(SEQUENCE[at] for at in kept), [len(tag) + cut - start - 1])
    found = align(structure, more + SEQUENCE)
    own = [-1] * len(tag) + [len(more) + at for at in kept]
    if start:  # residues that the file lacks stand where a tag would
        assert found.position[len(tag) :].tolist() == own[len(tag) :]
    else:
        assert found.position.tolist() == own
    for at, place in enumerate(found.position.tolist()):
        assert place < 0 or found.residue[place] == at
    assert np.count_nonzero(found.residue >= 0) == np.count_nonzero(found.position >= 0)


@given(st.integers(0, 6), st.integers(1, 6))
def test_a_gap_stands_where_the_chain_is_broken(before, missing):
    """Of a row of glycines some are missing: only the break tells which."""
    after = 12 - before - missing
    target = SEQUENCE[:15].replace("G", "A") + "G" * 12 + SEQUENCE[20:40].replace("G", "A")
    seen = target[: 15 + before] + target[15 + before + missing :]
    found = align(made(seen, [15 + before - 1]), target)
    assert found.position.tolist() == [*range(15 + before), *range(15 + before + missing, len(target))]
    assert after >= 0


@pytest.mark.parametrize(
    ("position", "broken", "moved"),
    [
        ([0, 1, 4, 5, 6], 0, [0, 3, 4, 5, 6]),
        ([0, 1, 4, 5, 6], 1, [0, 1, 4, 5, 6]),
        ([0, 1, 4, 5, 6], 3, [0, 1, 2, 3, 6]),
        ([0, 3, -1, 4, 5], 2, [0, 3, -1, 4, 5]),  # a residue without a position is on the way
    ],
)
def test_a_gap_moves_either_way_but_not_past_a_residue_that_is_not_aligned(position, broken, moved):
    assert _at_breaks(np.array(position), made("GGGGG", [broken]), "GGGGGGGG").tolist() == moved


def test_a_gap_does_not_move_past_another_residue():
    assert _at_breaks(np.array([0, 1, 4, 5, 6]), made("GGWGG", [3]), "GGGGWGGG").tolist() == [0, 1, 4, 5, 6]


def test_ends_that_hang_over_cost_nothing():
    """Else the first residue would stand alone at the start, where it matches."""
    assert align(made("P" + SEQUENCE[1:]), "PWWWWWW" + SEQUENCE).position.tolist() == list(range(7, 63))


def test_a_tag_is_not_aligned_to_what_stands_there():
    found = align(made("HHHHHH" + SEQUENCE + "HHHHHH"), "WWPWWPWW" + SEQUENCE + "WWPWWPWW")
    assert found.position.tolist() == [-1] * 6 + list(range(8, 64)) + [-1] * 6
    assert found.mismatches == ()


def test_mismatches_are_listed():
    sequence = SEQUENCE[:1] + "Q" + SEQUENCE[2:]
    found = align(made(SEQUENCE, first=24), sequence)
    assert found.mismatches == ("made.pdb has T at residue 25, where the sequence has Q at position 2.",)
    assert found.identity == pytest.approx(55 / 56)


@given(st.sets(st.integers(0, 55), max_size=20), st.sets(st.integers(0, 55), max_size=20))
def test_x_matches_anything(here, there):
    seen = "".join("X" if at in here else letter for at, letter in enumerate(SEQUENCE))
    target = "".join("X" if at in there else letter for at, letter in enumerate(SEQUENCE))
    found = align(made(seen), target)
    assert found.position.tolist() == list(range(56))
    assert (found.identity, found.mismatches) == (1.0, ())


@pytest.mark.parametrize(("changed", "fits"), [(5, True), (6, False)])
def test_less_than_nine_in_ten_is_another_protein(changed, fits):
    target = list(SEQUENCE)
    for at in range(5, 5 + 8 * changed, 8):
        target[at] = {"A": "V", "I": "V", "L": "I", "T": "A"}.get(target[at], "A")
    target = "".join(target)
    assert sum(one != other for one, other in zip(target, SEQUENCE, strict=True)) == changed
    if fits:
        assert align(made(SEQUENCE), target).identity == pytest.approx(1 - changed / 56)
    else:
        with pytest.raises(
            ValueError,
            match=r"chain 'A' of made.pdb \(56 residues\) and the sequence \(56 residues\) are the same at 89% of the "
            r"aligned residues, below 90%; check that they are the same protein, and name the right chain[.]$",
        ):
            align(made(SEQUENCE), target)


@given(st.permutations(AMINO_ACIDS * 2))
def test_a_shuffled_sequence_is_another_protein(letters):
    with pytest.raises(ValueError, match="are the same at|only .* residues of chain 'A' of made.pdb"):
        align(made(SEQUENCE), "".join(letters))


def test_a_few_residues_that_match_are_not_enough():
    with pytest.raises(
        ValueError,
        match=r"only \d residues of chain 'A' of made.pdb \(56 residues\) align with the sequence, which has 46",
    ):
        align(made(SEQUENCE), SEQUENCE[-6:] + "P" * 40)


@pytest.mark.parametrize(
    ("sequence", "message"), [("", "the sequence to align made.pdb to is empty"), ("MTB", "has 'B' at position 3")]
)
def test_a_sequence_that_is_none_is_refused(sequence, message):
    with pytest.raises(ValueError, match=message):
        align(made(SEQUENCE), sequence)


def test_the_map_is_written(tmp_path):
    structure = replace(made(SEQUENCE[:20] + SEQUENCE[25:], [19]), labels=("0A", *map(str, range(2, 52))))
    target = SEQUENCE[:2] + "F" + SEQUENCE[3:]
    found = align(structure, target)
    found.to_csv(tmp_path / "new" / "map.csv")
    with (tmp_path / "new" / "map.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["position"] for row in rows] == [str(place) for place in range(1, 57)]
    assert "".join(row["letter"] for row in rows) == target
    assert rows[0] == {"position": "1", "letter": "M", "residue": "0A", "residue_letter": "M"}
    assert rows[2] == {"position": "3", "letter": "F", "residue": "3", "residue_letter": "Y"}
    assert [row["position"] for row in rows if not row["residue"]] == ["21", "22", "23", "24", "25"]
    assert "".join(row["residue_letter"] for row in rows) == structure.sequence
