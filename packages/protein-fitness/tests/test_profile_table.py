import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.examples import DATA
from protein_fitness.homologues import read_profile
from protein_fitness.profile_table import read_profile_table

HEAD = "position," + ",".join(AMINO_ACIDS)
EVEN = ",".join(["0.05"] * 20)


def table(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


@given(order=st.permutations(AMINO_ACIDS), seed=st.integers(0, 99))
def test_columns_are_known_by_name_and_rows_sum_to_one(order, seed, tmp_path_factory):
    found = np.random.default_rng(seed).dirichlet(np.ones(20), size=3)
    by_name = [dict(zip(AMINO_ACIDS, row, strict=True)) for row in found]
    lines = [",".join([str(n), *(f"{row[letter]:.4f}" for letter in order)]) for n, row in enumerate(by_name, 1)]
    path = tmp_path_factory.mktemp("tables") / "profile.csv"
    path.write_text(table(*lines, head=",".join(["position", *order])))

    read = read_profile(path, "ACD")

    assert np.allclose(read, found, atol=2e-3)
    assert np.allclose(read.sum(1), 1, atol=1e-12)


def test_the_shipped_table_has_a_row_for_each_residue_and_most_letters_are_the_wild_type(gb1):
    found = read_profile(DATA / "1pga.profile.csv", gb1.sequence)

    likeliest = "".join(AMINO_ACIDS[place] for place in found.argmax(1))
    assert found.shape == (56, 20)
    assert sum(a == b for a, b in zip(likeliest, gb1.sequence, strict=True)) >= 45


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (table(f"1,{EVEN}"), r"profile.csv has 1 positions and the sequence 2; give a row for each residue"),
        (table(f"1,{EVEN}", f"3,{EVEN}"), r"line 3: position is '3' where 2 is due; give a row for each, in order"),
        (table(f"1,{EVEN}", "2,0.5," + ",".join(["0.05"] * 19)), r"line 3: the frequencies sum to 1.450; give those"),
        (table("1,-0.05" + EVEN[4:], f"2,{EVEN}"), r"line 2: A is '-0.05'; a frequency is a number from 0 to 1"),
        (table("1,nan" + EVEN[4:], f"2,{EVEN}"), r"line 2: A is 'nan'; a frequency is a number from 0 to 1"),
        (table("1,many" + EVEN[4:], f"2,{EVEN}"), r"line 2: A is 'many'; a frequency is a number from 0 to 1"),
        (table("1,0.5,0.5", head="position,A,C"), r"line 2: there is no column 'D'; there are position, A, C"),
        ("", r"profile.csv has 0 positions and the sequence 2"),
    ],
)
def test_a_bad_table_is_named_by_file_and_line(text, message, tmp_path):
    path = tmp_path / "profile.csv"
    path.write_text(text)

    with pytest.raises(ValueError, match=message):
        read_profile_table(path, "AC")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file at .*none.csv"):
        read_profile(tmp_path / "none.csv", "AC")
