"""Frontiers against hand-drawn cases and brute force."""

import builtins
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safe_finetune.frontier import Axis, Frontier, FrontierPoint
from safe_finetune.frontier.picture import frontier_figure, frontier_fragment

REFUSAL = Axis(name="refusal rate", better="higher")
TASK_LOSS = Axis(name="task loss", better="lower", unit="nats")
pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=8)


def point(safety, capability, strength=None, method="penalty", **more):
    return FrontierPoint(method=method, safety=float(safety), capability=float(capability), strength=strength, **more)


def frontier(*points, capability=TASK_LOSS):
    return Frontier(REFUSAL, capability, tuple(points))


@settings(max_examples=80, deadline=None)
@given(values=pairs)
def test_pareto_set_is_what_no_other_point_dominates(values):
    """Higher refusal and lower loss are better."""
    kept = frontier(*(point(*value) for value in values)).pareto_mask()
    for (safety, capability), keep in zip(values, kept, strict=True):
        dominated = any(s >= safety and c <= capability and (s, c) != (safety, capability) for s, c in values)
        assert keep == (not dominated)


@settings(max_examples=80, deadline=None)
@given(values=pairs)
def test_hypervolume_counts_the_unit_squares_below_some_point(values):
    """With integer points and the reference (1, 5), the area is a number of cells."""
    found = frontier(*(point(*value) for value in values)).hypervolume((1.0, 5.0)).value
    cells = sum(
        any(safety >= row + 1 and capability <= column for safety, capability in values)
        for row in range(1, 6)
        for column in range(5)
    )
    assert found == pytest.approx(cells)


@settings(max_examples=40, deadline=None)
@given(values=pairs, extra=st.tuples(st.integers(0, 6), st.integers(0, 6)))
def test_another_point_never_lessens_the_hypervolume(values, extra):
    points = [point(*value) for value in values]
    before, after = (frontier(*some).hypervolume((0.0, 6.0)).value for some in (points, [*points, point(*extra)]))
    assert after >= before
    assert frontier(*points[::-1]).hypervolume((0.0, 6.0)).value == pytest.approx(before)


def test_hypervolume_interval_is_over_seeds_and_reproducible():
    """Both points move together from seed to seed, so that the area is the mean seed's level times 2."""
    levels = [0.2, 0.4, 0.6, 0.8]
    points = [
        FrontierPoint.from_runs("penalty", [(level, 4.0 - width) for level in levels], strength=width)
        for width in (1.0, 2.0)
    ]
    curve = frontier(*points)
    found = curve.hypervolume((0.0, 4.0))
    assert found.value == pytest.approx(0.5 * 2)
    means = np.array(levels)[np.random.default_rng(0).integers(4, size=(1000, 4))].mean(1)
    assert found.interval == pytest.approx(tuple(2 * np.quantile(means, [0.025, 0.975])))
    assert curve.hypervolume((0.0, 4.0)) == found
    assert frontier(point(0.5, 1)).hypervolume((0.0, 4.0)).interval is None


def test_from_runs_takes_mean_and_extremes():
    made = FrontierPoint.from_runs("ball", [(0.2, 1.0), (0.6, 2.0)], strength=0.1)
    assert (made.safety, made.capability) == (pytest.approx(0.4), 1.5)
    assert (made.safety_interval, made.capability_interval) == ((0.2, 0.6), (1.0, 2.0))


def test_knee_is_the_corner():
    corner = point(0.9, 1.2, 1.0)
    curve = frontier(point(0.0, 1.0, 0.0), corner, point(0.5, 1.1, 0.1), point(1.0, 5.0, 9.0), point(0.2, 4.0, 3.0))
    assert curve.knee() is corner


@pytest.mark.parametrize("values", [[], [(0, 1)], [(0, 1), (1, 2)], [(0, 1), (0.5, 1.5), (1, 2)]])
def test_a_straight_trade_has_no_knee(values):
    assert frontier(*(point(*value) for value in values)).knee() is None


def test_violations_name_neighbours_axis_and_amount():
    weak, middle, strong = point(0.5, 1, 0.1), point(0.4, 2, 1.0), point(0.9, 1.5, 10.0)
    curve = frontier(strong, weak, middle, point(0.0, 0.0))  # the last has no strength
    fell, rose = curve.violations("penalty")
    assert (fell.weaker, fell.stronger, fell.axis) == (weak, middle, "safety")
    assert fell.amount == pytest.approx(0.1)
    assert (rose.weaker, rose.stronger, rose.axis) == (middle, strong, "capability")
    assert rose.amount == pytest.approx(0.5)
    assert [one.axis for one in curve.violations("penalty", tolerance=0.2)] == ["capability"]


def test_a_radius_is_less_safe_the_larger_it_is():
    curve = frontier(point(0.9, 3, 0.1), point(0.5, 2, 0.2))
    assert curve.violations("penalty", stronger_is_safer=False) == []
    assert len(curve.violations("penalty")) == 2


def test_methods_keep_their_order_and_their_points_are_sorted():
    curve = frontier(point(1, 1, 2.0), point(0, 0, method="plain"), point(0, 2, 1.0), point(0.5, 2))
    assert curve.methods == ["penalty", "plain"]
    assert [one.strength for one in curve.of("penalty").points] == [None, 1.0, 2.0]


def test_files_round_trip(tmp_path):
    whole = FrontierPoint.from_runs("é", [(0.1, 1.0), (0.3, 2.0)], strength=0.5, label="half")
    curve = frontier(whole, point(0.5, 1.5))
    path = curve.to_json(tmp_path / "folder" / "frontier.json")
    assert Frontier.from_json(path) == curve
    assert [entry.name for entry in path.parent.iterdir()] == ["frontier.json"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("[", "Expecting value"), ("[]", "list indices"), ('{"format": "other"}', "its format is 'other'")],
)
def test_other_files_are_refused(tmp_path, content, reason):
    path = tmp_path / "frontier.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"frontier.json is no file of 'safe-finetune frontier 1' .*{reason}"):
        Frontier.from_json(path)


def test_a_file_with_a_bad_value_says_which(tmp_path):
    path = frontier(point(0.5, 1)).to_json(tmp_path / "frontier.json")
    content = json.loads(path.read_text())
    content["points"][0]["safety_interval"] = [1.0, 0.0]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"`safety_interval` of .* must be finite and ordered"):
        Frontier.from_json(path)


def test_an_axis_without_direction_is_refused(tmp_path):
    path = frontier(point(0.5, 1)).to_json(tmp_path / "frontier.json")
    path.write_text(path.read_text().replace('"higher"', '"up"'))
    with pytest.raises(ValueError, match=r"(?s)no file of .*better.*up"):
        Frontier.from_json(path)


def test_picture_has_a_line_a_method_and_fills_what_is_not_dominated():
    curve = frontier(
        point(0.9, 3, 1.0, safety_interval=(0.8, 0.95)),
        point(0.5, 2, 0.1),
        point(0.4, 4, method="plain", label="no constraint"),
    )
    penalty, plain = frontier_figure(curve).data
    assert (penalty.name, list(penalty.x), list(penalty.y)) == ("penalty", [2, 3], [0.5, 0.9])
    assert list(penalty.error_y.array) == pytest.approx([0, 0.05])
    assert list(penalty.error_y.arrayminus) == pytest.approx([0, 0.1])
    assert list(penalty.marker.color) == [penalty.line.color] * 2
    assert (list(plain.text), list(plain.marker.color)) == (["no constraint"], ["#ffffff"])


def test_page_is_whole_escaped_and_sends_nothing_anywhere(tmp_path):
    path = frontier(point(0.5, 1, method="<b>")).to_html(tmp_path / "frontier.html", title="A & B")
    page = path.read_text(encoding="utf-8")
    assert "<title>A &amp; B</title>" in page
    assert '<th scope="row">&lt;b&gt;</th>' in page
    assert '<script src="http' not in page
    assert '"modeBarButtonsToRemove": ["sendChartToCloud"]' in page


def test_png_is_written_or_names_its_extra(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `png` is not installed")
    path = frontier(point(0.5, 1, 1.0, safety_interval=(0.4, 0.6)), point(0.2, 2)).to_png(tmp_path / "frontier.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_png_without_matplotlib_names_the_extra(tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "safe-finetune\[png\]"'):
        frontier(point(0.5, 1)).to_png(tmp_path / "frontier.png")


def test_bad_input_is_named():
    with pytest.raises(ValueError, match='`safety` of "penalty" at strength 0.1 must be finite, got nan'):
        point(float("nan"), 1, 0.1)
    with pytest.raises(ValueError, match='`runs` of "ball" must hold at least one'):
        FrontierPoint.from_runs("ball", [])
    with pytest.raises(ValueError, match="`method` must be one of penalty, got 'ball'"):
        frontier(point(0, 1)).of("ball")
    uneven = frontier(point(0, 1), FrontierPoint.from_runs("ball", [(0.1, 1.0)]))
    with pytest.raises(ValueError, match=r"`runs` must be as many for all points, got \[0, 1\]"):
        uneven.hypervolume((0.0, 1.0))
    with pytest.raises(ValueError, match="`points` must hold at least one point for a picture, got 0"):
        frontier_fragment(frontier())
