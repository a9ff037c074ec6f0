import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.homologues import aligned_rows, alignment_notes, profile_of, read_profile, weights_of

rows_of_letters = st.integers(2, 12).flatmap(
    lambda width: st.lists(st.text("ACDW-", min_size=width, max_size=width), min_size=1, max_size=9)
)


@given(rows_of_letters, st.sampled_from([0.5, 0.8, 1.0]))
def test_a_weight_is_one_over_the_number_of_alike_relatives(rows, identity):
    rows = ["A" * len(rows[0]), *rows]
    alike = [
        sum(sum(a == b for a, b in zip(one, other, strict=True)) >= identity * len(one) - 1e-3 for other in rows)
        for one in rows
    ]

    assert np.allclose(weights_of(aligned_rows(rows), identity), 1 / np.array(alike))


def test_copies_of_a_relative_change_nothing():
    rows = ["ACDEF", "ACDEW", "WWWWW"]

    once = profile_of(aligned_rows(rows), identity=1.0)
    often = profile_of(aligned_rows([*rows, rows[2], rows[2]]), identity=1.0)

    assert np.allclose(once, often)


def test_frequencies_are_counts_drawn_to_the_background():
    background = np.full(20, 0.05)

    found = profile_of(aligned_rows(["AW", "AY", "AC", "AV"]), identity=1.0, pseudocount=1.0, background=background)

    assert found[0, 0] == pytest.approx((4 + 0.05) / 5)
    assert found[1, AMINO_ACIDS.index("W")] == pytest.approx((1 + 0.05) / 5)
    assert found.sum(1) == pytest.approx([1, 1])


def test_gaps_have_no_vote():
    found = profile_of(aligned_rows(["AC", "A-", "A-"]), identity=1.0, pseudocount=0.0)

    assert found[1, AMINO_ACIDS.index("C")] == pytest.approx(1)


def test_insertions_of_an_a2m_stand_in_no_column():
    rows = aligned_rows(["AC.D", "ACwD", "-C.D"])

    assert rows.tolist() == [[0, 1, 2], [0, 1, 2], [-1, 1, 2]]


def test_a_row_of_another_length_is_named():
    with pytest.raises(ValueError, match="sequence 2 of the alignment has 2 columns and the first 3; give an a2m"):
        aligned_rows(["ACD", "AC"])


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read(tmp_path, packed):
    text = ">target\nAC\nD\n>one\nAC\nW\n"
    path = tmp_path / ("x.a2m.gz" if packed else "x.a2m")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())

    found = read_profile(path, "ACD")

    assert np.array_equal(found, profile_of(aligned_rows(["ACD", "ACW"])))


def test_an_alignment_of_another_protein_is_refused(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text(">target\nACD\n")

    with pytest.raises(ValueError, match=r"x.a2m: its first sequence \(3 residues\) is not the one .* \(4 residues\)"):
        read_profile(path, "ACDE")


def test_residues_of_the_target_in_lower_case_have_the_background(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text(">target\nmACdEF\n>one\nwA-wEFwww\n>two\n.AC.EW\n>three\n.WCwEW\n")

    found = read_profile(path, "MACDEF", identity=1.0)

    letters = {"A": 3, "W": 1 + 2, "C": 3, "E": 4, "F": 2}  # of four relatives in four columns, and one gap
    background = np.array([letters.get(letter, 0) for letter in AMINO_ACIDS]) / 15
    assert found[0] == pytest.approx(background, abs=1e-12)
    assert np.array_equal(found[0], found[3])
    in_columns = profile_of(aligned_rows(["ACEF", "A-EF", "ACEW", "WCEW"]), identity=1.0)
    assert np.allclose(found[[1, 2, 4, 5]], in_columns, atol=1e-12)


def test_relatives_are_compared_in_the_columns_alone(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text(">target\n" + "m" * 90 + "AC\n>one\n" + "." * 90 + "AD\n")

    found = read_profile(path, "M" * 90 + "AC")

    # Half of the columns are alike, so each has a whole vote: two of the background's 4 / 2 are for A, beside 1.
    assert found[90, AMINO_ACIDS.index("A")] == pytest.approx((2 + 0.5) / 3)


def test_residues_without_a_column_are_told(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text(">target\nmAC-dEF\n>one\nwA-wEF\n")

    assert alignment_notes(path) == (
        "x.a2m has no column, and the frequencies of the whole alignment instead, at positions 1, 4.",
    )
    path.write_text(">target\nMAC\n>one\nwA-wC\n")
    assert alignment_notes(path) == ()


def test_an_alignment_in_lower_case_alone_is_refused(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text(">target\nacd\n>one\nacd\n")

    with pytest.raises(ValueError, match="x.a2m: its first sequence is all lower case and so in no column"):
        read_profile(path, "ACD")


def test_another_protein_in_lower_case_is_refused(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text(">target\naCD\n>one\n.CD\n")

    with pytest.raises(ValueError, match=r"x.a2m: its first sequence \(3 residues\) is not the one .* \(3 residues\)"):
        read_profile(path, "WCD")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no file .*x.a2m; give an a2m or an aligned FASTA"):
        read_profile(tmp_path / "x.a2m", "ACD")


def test_an_empty_alignment_is_refused(tmp_path):
    path = tmp_path / "x.a2m"
    path.write_text("")

    with pytest.raises(ValueError, match="the alignment has no sequence; give one with the target"):
        read_profile(path, "ACD")


@pytest.mark.parametrize("identity", [0, 1.1])
def test_a_share_is_above_0_and_at_most_1(identity):
    with pytest.raises(ValueError, match=f"`identity` must be above 0 and at most 1, got {identity}"):
        profile_of(aligned_rows(["AC"]), identity=identity)
