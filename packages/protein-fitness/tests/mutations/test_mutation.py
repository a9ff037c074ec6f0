"""Mutants are read as they are written, and each mistake has its own sentence."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.mutations import Mutant, Substitution, all_singles, parse_mutant

letters = st.sampled_from(AMINO_ACIDS)
places = st.tuples(st.integers(1, 10_000), letters, letters).filter(lambda one: one[1] != one[2])


@given(st.lists(places, min_size=1, max_size=5, unique_by=lambda one: one[0]))
def test_a_mutant_is_read_as_it_is_written(places):
    mutant = Mutant(tuple(Substitution(position=position, wild=wild, to=to) for position, wild, to in places))
    assert parse_mutant(str(mutant)) == mutant


@given(st.text(alphabet="ACGX0129:*acdel_-> \n٣") | st.text())
@example("A24G")
@example("A٣G")  # digits that Python's int would take
@example("A24G\n")
def test_a_text_is_a_mutant_or_an_error(text):
    with suppress(ValueError):
        assert str(parse_mutant(text)) == text


def test_positions_count_from_one_and_keep_their_order():
    mutant = parse_mutant("C30D:A24G")
    assert mutant.substitutions == (
        Substitution(position=30, wild="C", to="D"),
        Substitution(position=24, wild="A", to="G"),
    )
    assert mutant.positions == (30, 24)
    assert len(mutant) == 2
    assert str(mutant.shifted(-23)) == "C7D:A1G"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a24g:C30D", "mutant 'a24g:C30D' is in lower case; write 'A24G:C30D'"),
        ("A24*", "mutant 'A24[*]': 'A24[*]' is a stop, which cannot be scored; leave it out[.]$"),
        (
            "A24del",
            "mutant 'A24del': 'A24del' is no substitution, and nothing else can be scored; write substitutions as A24G",
        ),
        ("A24G:30D", "mutant 'A24G:30D': '30D' is no substitution"),
        ("A24G,C30D", "'A24G,C30D' is no substitution"),
        ("A24G:", "'' is no substitution"),
        ("", "'' is no substitution"),
        ("_wt", "'_wt' is no substitution"),
        ("A024G", "'A024G' has a position that starts with 0"),
        ("A0G", "A0G is at position 0; positions start at 1"),
        ("C30D:A24A", "mutant 'C30D:A24A': A24A changes nothing; leave synonymous ones out"),
        ("A24G:A24C", "mutant 'A24G:A24C' changes position 24 twice"),
        ("A24X", "mutant 'A24X': A24X has 'X', not one of ACDEFGHIKLMNPQRSTVWY"),
        ("B24A", "B24A has 'B'"),
    ],
)
def test_each_mistake_has_its_own_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_mutant(text)


def test_a_mutant_without_substitutions_is_refused():
    with pytest.raises(ValueError, match="at least one substitution"):
        Mutant(())


def test_positions_do_not_fall_below_one():
    with pytest.raises(ValueError, match="position 0; positions start at 1"):
        parse_mutant("A24G").shifted(-24)


@given(st.text(alphabet=AMINO_ACIDS + "X", max_size=12))
def test_all_singles_are_nineteen_at_each_known_position(sequence):
    singles = all_singles(sequence)
    assert len(set(singles)) == len(singles) == 19 * sum(letter != "X" for letter in sequence)
    for mutant in singles:
        (one,) = mutant.substitutions
        assert sequence[one.position - 1] == one.wild != one.to
    assert [(one.positions, str(one)[-1]) for one in singles] == sorted(
        (one.positions, str(one)[-1]) for one in singles
    )
