"""Mutants fit a sequence or are told why not, and an offset is named but never applied by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.mutations import all_singles, check_mutants, parse_mutant, parse_mutants

SEQUENCE = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"


def mutants(*texts):
    return list(map(parse_mutant, texts))


@given(st.text(alphabet=AMINO_ACIDS, min_size=1, max_size=30), st.integers(0, 500), st.data())
def test_the_offset_that_was_taken_fits_and_is_named_without_it(sequence, offset, data):
    singles = all_singles(sequence)
    chosen = data.draw(st.lists(st.sampled_from(singles), min_size=1, max_size=20))
    shifted = [one.shifted(offset) for one in chosen]
    check_mutants(shifted, sequence, offset)
    assert parse_mutants(map(str, shifted), sequence, offset=offset).mutants == tuple(chosen)
    if any(sequence[at - 1 : at] != one.substitutions[0].wild for one in shifted for at in one.positions):
        with pytest.raises(ValueError, match=rf"pass offset={offset}\b|pass the right one as offset"):
            check_mutants(shifted, sequence)


def test_the_offset_that_fits_all_is_named():
    shifted = [one.shifted(23) for one in all_singles(SEQUENCE)[:212]]
    with pytest.raises(
        ValueError,
        match=r"mutant 'M24A' says M at position 24, where the sequence has A; all 212 mutants match with offset 23; "
        r"pass offset=23 \(\d+ of 212 mutants are bad\)[.]$",
    ):
        check_mutants(shifted, SEQUENCE)


def test_a_wrong_offset_is_corrected_as_a_whole_not_as_a_difference():
    shifted = [one.shifted(23) for one in all_singles(SEQUENCE)]
    with pytest.raises(ValueError, match=r"position 19 \(number 24, offset 5\).* with offset 23; pass offset=23"):
        check_mutants(shifted, SEQUENCE, offset=5)


def test_a_sequence_that_lacks_its_start_has_a_negative_offset():
    with pytest.raises(ValueError, match="all 2 mutants match with offset -1; pass offset=-1"):
        check_mutants(mutants("W42A", "W42C"), SEQUENCE)
    check_mutants(mutants("W42A", "W42C"), SEQUENCE, offset=-1)


def test_offsets_that_cannot_be_told_apart_are_counted():
    with pytest.raises(ValueError, match=r"it matches with any of 2 offsets \(-1, -2\); pass the right one"):
        check_mutants(mutants("A1G"), "WAA")


def test_no_offset_is_named_if_none_fits_all():
    with pytest.raises(ValueError, match="no offset makes all mutants match"):
        check_mutants(mutants("M1A", "W2A"), SEQUENCE)
    with pytest.raises(ValueError, match="no offset makes all mutants match"):
        check_mutants(mutants("M1A", "T1A"), SEQUENCE)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("E57A", "mutant 'E57A' is outside the sequence, which has 56 residues, at position 57; it matches with"),
        ("M1A:E57A", "mutant 'M1A:E57A' is outside the sequence, which has 56 residues, at position 57; no offset"),
        ("A2G", "mutant 'A2G' says A at position 2, where the sequence has T"),
    ],
)
def test_a_mutant_that_does_not_fit_is_told_where(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_mutants(mutants(text), SEQUENCE)


def test_what_stands_at_an_unknown_residue_cannot_be_changed():
    with pytest.raises(ValueError, match="changes position 2, where the sequence has X in the place of a residue"):
        check_mutants(mutants("T2A"), "MXY")


@pytest.mark.parametrize("call", [check_mutants, parse_mutants])
def test_an_empty_assay_is_refused(call):
    with pytest.raises(ValueError, match="the assay has no mutant"):
        call([], SEQUENCE)


def test_a_sequence_with_other_letters_is_refused():
    with pytest.raises(ValueError, match="sequence has 'B' at position 2"):
        check_mutants(mutants("M1A"), "MB")


def test_bad_mutants_are_kept_in_their_place_with_a_reason():
    texts = ["M1A", "t2a", "T2T", "W3A", "M1A", "M1A:E57C", "T2A:Y3A"]
    found = parse_mutants(texts, SEQUENCE, on_error="nan")
    assert found.texts == tuple(texts)
    assert len(found) == 7
    good = [0, 4, 6]
    assert [str(found.mutants[at]) for at in good] == [texts[at] for at in good]
    for at, word in [(1, "lower case"), (2, "changes nothing"), (3, "says W at position 3"), (5, "outside")]:
        assert found.mutants[at] is None
        assert word in found.reasons[at]
    assert [at for at, reason in enumerate(found.reasons) if reason is None] == good


def test_mutants_are_numbered_along_the_sequence_and_texts_are_kept():
    found = parse_mutants(["T25A:M24A"], SEQUENCE, offset=23)
    assert found.texts == ("T25A:M24A",)
    assert str(found.mutants[0]) == "T2A:M1A"


def test_the_first_bad_mutant_is_the_error():
    with pytest.raises(ValueError, match=r"mutant 't2a' is in lower case; write 'T2A' \(2 of 3 mutants are bad\)[.]$"):
        parse_mutants(["M1A", "t2a", "T2T"], SEQUENCE)
    with pytest.raises(ValueError, match=r"mutant 't2a' is in lower case; write 'T2A'[.]$"):
        parse_mutants(["t2a"], SEQUENCE)


def test_what_to_do_with_bad_mutants_is_one_of_two():
    with pytest.raises(ValueError, match="`on_error` must be 'raise' or 'nan', got 'skip'"):
        parse_mutants(["M1A"], SEQUENCE, on_error="skip")
