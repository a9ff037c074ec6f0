import pytest

from controlled_decoding.evaluation.bootstrap import Interval
from controlled_decoding.evaluation.pareto import family_and_strength, pareto_figure, pareto_html
from controlled_decoding.evaluation.report import Evaluation, JudgeIdentity
from controlled_decoding.evaluation.summary import MeasureSummary

pytest.importorskip("plotly", reason="the extra `eval` is not installed")


def evaluation(points):
    summaries = {
        method: {
            "judge/toxic_rate": MeasureSummary(value=Interval(rate, rate - 0.02, rate + 0.04)),
            "perplexity/own model": MeasureSummary(value=Interval(perplexity, perplexity - 1, perplexity + 2)),
        }
        for method, (rate, perplexity) in points.items()
    }
    judges = [JudgeIdentity(name="judge", version="1", sha256="0")]
    return Evaluation(
        baseline="plain", judges=judges, language_models=["own model"], summaries=summaries, costs={}, settings={}
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("sasa(1.0)", ("sasa", 1.0)),
        ("sasa-kl(0.5)", ("sasa-kl", 0.5)),
        ("plain", ("plain", None)),
        ("filter(list)", ("filter(list)", None)),
    ],
)
def test_a_number_in_brackets_is_a_strength(name, parts):
    assert family_and_strength(name) == parts


def test_a_family_is_one_line_in_the_order_of_strength_with_uneven_bars():
    figure = pareto_figure(evaluation({"plain": (0.4, 7), "sasa(10)": (0.1, 12), "sasa(2)": (0.2, 9)}))
    plain, sasa = figure.data
    assert (plain.name, sasa.name) == ("plain", "sasa")
    assert (list(sasa.x), list(sasa.y), list(sasa.text)) == ([9, 12], [0.2, 0.1], ["2", "10"])
    assert list(sasa.error_x.array) == [2, 2]
    assert list(sasa.error_y.arrayminus) == pytest.approx([0.02, 0.02])


def test_what_was_not_measured_is_left_out():
    figure = pareto_figure(evaluation({"plain": (0.4, 7), "silent": (0.0, float("nan"))}))
    assert list(figure.data[1].x) == []


def test_a_page_is_whole_and_sends_nothing_anywhere():
    page = pareto_html(evaluation({"plain": (0.4, 7)}))
    assert page.startswith("<!doctype html>")
    assert "<title>" in page
    assert '"modeBarButtonsToRemove": ["sendChartToCloud"]' in page
    assert '<script src="http' not in page
