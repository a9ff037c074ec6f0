import csv

import numpy as np
import pytest

from protein_fitness.assay import read_assay, score_rows, write_scored
from protein_fitness.protein import make_protein
from protein_fitness.scorers.substitution import Blosum62


@pytest.fixture
def table(tmp_path):
    """``table(text)``: a CSV file."""

    def write(text):
        path = tmp_path / "assay.csv"
        path.write_text(text)
        return read_assay(path)

    return write


def test_rows_keep_their_order_and_equal_ones_get_equal_scores(table, tmp_path):
    assay = table("mutant,DMS_score,note\nA2W,0.1,x\nI1V,0.9,y\nA2W,0.2,z\n")

    scored = score_rows(assay, make_protein("IA"), Blosum62())
    write_scored(scored, tmp_path / "out.csv")

    assert scored.scores.tolist() == [-3.0, 3.0, -3.0]
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row["mutant"] for row in rows] == ["A2W", "I1V", "A2W"]
    assert rows[1] == {"mutant": "I1V", "DMS_score": "0.9", "note": "y", "score": "3", "reason": ""}


def test_a_bad_row_is_kept_with_its_reason(table):
    assay = table("mutant\nI1V\nW1A\nA2*\n")

    scored = score_rows(assay, make_protein("IA"), Blosum62(), on_error="nan")

    assert np.isnan(scored.scores).tolist() == [False, True, True]
    assert scored.reasons[0] == ""
    assert all(scored.reasons[1:])


def test_a_bad_row_is_an_error_otherwise(table):
    with pytest.raises(ValueError, match="W1A"):
        score_rows(table("mutant\nI1V\nW1A\n"), make_protein("IA"), Blosum62())


def test_a_mutant_that_the_scorer_cannot_score_says_so(table, gb1):
    from protein_fitness.scorers.geometry import Accessibility

    longer = make_protein("MKV" + gb1.sequence, gb1.structure)

    scored = score_rows(table("mutant\nK2A\nL8A\n"), longer, Accessibility())

    assert scored.reasons == ("accessibility has no score there", "")


def test_measurements_give_a_correlation(table):
    mutants = [f"I1{letter}" for letter in "ACDEFGHKLMNP"]
    protein = make_protein("IA")
    scores = Blosum62().matrix(protein)[0]
    text = "mutant,DMS_score\n" + "".join(f"{mutant},{number}\n" for number, mutant in enumerate(mutants))

    told = score_rows(table(text), protein, Blosum62()).summary()

    assert told["mutants"] == told["scored"] == 12
    low, high = told["interval"]
    assert low <= told["spearman"] <= high
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"assay.csv has the columns \(none\); one must be 'mutant'"),
        ("variant\nA1C\n", "assay.csv has the columns variant; one must be 'mutant'"),
        ("mutant\n", "assay.csv has no row below its head; give it mutants"),
    ],
)
def test_a_table_without_mutants_is_refused(table, text, said):
    with pytest.raises(ValueError, match=said):
        table(text)


def test_a_measurement_that_is_no_number_is_named(table):
    with pytest.raises(ValueError, match="assay.csv, line 3: DMS_score is 'high'; it must be a number, or empty"):
        _ = table("mutant,DMS_score\nA1C,0.5\nA1D,high\n").labels


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no file .*none.csv; give a CSV with a column 'mutant'"):
        read_assay(tmp_path / "none.csv")
