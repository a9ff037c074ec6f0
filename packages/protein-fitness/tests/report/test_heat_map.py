import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.report.heat_map import heat_map
from protein_fitness.report.layout import ORDER, strips
from protein_fitness.site_matrix import SiteMatrix


@pytest.fixture
def long():
    """Twice 80 sites and a bit; the ninth is not one of the twenty."""
    sequence = "".join(np.random.default_rng(0).choice(list(AMINO_ACIDS), size=170).tolist())
    sequence = sequence[:8] + "X" + sequence[9:]
    scores = np.random.default_rng(1).normal(size=(170, 20))
    for place, letter in enumerate(sequence):
        scores[place, AMINO_ACIDS.find(letter)] = np.nan
    return SiteMatrix(sequence=sequence, scores=scores, scorer="any")


def cells(figure):
    """Score by mutant, as the figure draws it."""
    return {
        str(name): score
        for trace in figure.data
        if trace.type == "heatmap"
        for names, scores in zip(trace.customdata, trace.z, strict=True)
        for name, score in zip(names, scores, strict=True)
    }


def test_every_cell_is_the_matrixs_number_under_its_own_name(long):
    drawn = cells(heat_map(long))

    assert len(drawn) == 170 * 20
    for name, score in drawn.items():
        expected = long.scores[int(name[1:-1]) - 1, AMINO_ACIDS.index(name[-1])]
        assert long.sequence[int(name[1:-1]) - 1] == name[0]
        assert score == pytest.approx(expected, nan_ok=True)


def test_a_long_protein_is_drawn_in_rows_that_share_a_scale(long):
    figure = heat_map(long)

    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [(trace.x[0], trace.x[-1]) for trace in maps] == [(1, 80), (81, 160), (161, 170)]
    assert {trace.coloraxis for trace in maps} == {"coloraxis"}
    assert figure.layout.xaxis3.range == (160.5, 240.5), "a short last row keeps the width of a cell"


def test_the_wild_type_is_marked_where_it_is_known(long):
    marked = {
        place: letter
        for trace in heat_map(long).data
        if trace.type == "scatter"
        for place, letter in zip(trace.x, trace.y, strict=True)
    }

    assert marked == {place: letter for place, letter in enumerate(long.sequence, start=1) if letter != "X"}


def test_rows_hold_every_amino_acid_once():
    assert sorted(ORDER) == sorted(AMINO_ACIDS)


def test_a_strip_tells_its_mutants(long):
    second = strips(long)[1]

    assert second.mutants[3][0] == f"{long.sequence[80]}81{ORDER[3]}"
    assert second.scores[3, 0] == pytest.approx(long.scores[80, AMINO_ACIDS.index(ORDER[3])], nan_ok=True)


def test_a_matrix_without_a_score_is_refused():
    empty = SiteMatrix(sequence="MK", scores=np.full((2, 20), np.nan), scorer="profile")

    with pytest.raises(ValueError, match="profile has no score for any mutant; there is nothing to draw"):
        heat_map(empty)
