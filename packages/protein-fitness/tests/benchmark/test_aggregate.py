import math

import numpy as np
import pytest

from protein_fitness.benchmark.aggregate import averages, cell_average, cells, standard_errors
from protein_fitness.benchmark.levels import AssayLevel, read_levels, write_levels

TABLE = """DMS ID,one,two,Number of Mutants,Selection Type,UniProt ID,MSA_Neff_L_category,Taxon
A1,0.1,0.3,100,Activity,P1,Low,Human
A2,0.2,0.3,100,Activity,P1,Low,Human
A3,0.6,0.5,100,Activity,P2,High,Virus
B1,0.4,0.2,100,Binding,P1,Low,Human
B2,0.8,,100,Binding,P3,,Human
S1,-0.1,0.1,100,Stability,P3,High,Human
"""


@pytest.fixture
def levels(tmp_path):
    file = tmp_path / "Spearman.csv"
    file.write_text(TABLE)
    return read_levels(file)


def test_averages_of_a_table_in_proteingyms_layout_are_those_by_hand(levels):
    found = averages(levels, "one")

    assert found.selection == pytest.approx({"Activity": 0.375, "Binding": 0.6, "Stability": -0.1})
    assert found.average == pytest.approx((0.375 + 0.6 - 0.1) / 3)
    assert found.msa_depth == pytest.approx({"Low": 0.7 / 3, "High": 0.25})
    assert found.taxon == pytest.approx({"Human": (0.7 / 3 + 0.35) / 2, "Virus": 0.6})
    assert found.assays == 6
    assert cell_average(levels, "one") == pytest.approx((0.15 + 0.6 + 0.4 + 0.8 - 0.1) / 5)


def test_an_assay_without_a_value_counts_for_nothing(levels):
    found = averages(levels, "two")

    assert found.assays == 5
    assert found.selection["Binding"] == pytest.approx(0.2)
    assert ("P3", "Binding") not in cells(levels, "two")
    assert math.isnan(averages(levels, "three").average)


def test_values_are_rounded_before_they_are_averaged(tmp_path):
    row = {"protein": "P", "selection": "Activity", "msa_depth": "Low", "taxon": "Human", "mutants": 9}
    exact = [AssayLevel(name=name, values={"one": value}, **row) for name, value in (("a", 0.1004), ("b", 0.1014))]

    write_levels(exact, tmp_path / "levels.csv")
    found = averages(read_levels(tmp_path / "levels.csv"), "one")

    assert found.average == pytest.approx(0.1005, abs=1e-9)  # and not 0.1009


def test_a_written_table_is_read_as_it_was(levels, tmp_path):
    write_levels(levels, tmp_path / "again.csv")

    again = read_levels(tmp_path / "again.csv")

    assert [level.name for level in again] == ["A1", "A2", "A3", "B1", "B2", "S1"]
    assert (tmp_path / "again.csv").read_text().splitlines()[0] == TABLE.splitlines()[0]
    assert again[2] == levels[2]
    assert math.isnan(again[4].values["two"])


def test_a_table_of_another_layout_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("DMS_id,one\nA,1\n")

    with pytest.raises(ValueError, match=r"other.csv has no column DMS ID, Number of Mutants, Selection Type"):
        read_levels(tmp_path / "other.csv")


def test_the_best_model_has_no_error_and_others_that_of_a_mean_of_differences(levels):
    found = standard_errors(levels, ["one", "two"], resamples=20_000)

    # "one" is best; cells of each type differ by (-.15, .1) in Activity, alone in Binding and Stability
    spread = np.std([-0.15, 0.1]) / math.sqrt(2) / 3
    assert found["one"] == 0
    assert found["two"] == pytest.approx(spread, rel=0.03)


def test_errors_keep_to_types_and_to_cells_that_both_have(levels):
    alone = [level for level in levels if level.name in ("B1", "B2", "S1")]

    assert standard_errors(alone, ["one", "two"], resamples=50)["two"] == pytest.approx(0, abs=1e-12)
    assert math.isnan(standard_errors(levels, ["one", "three"], resamples=50)["three"])
