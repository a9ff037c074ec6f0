"""Studies with partners that only play: the same bytes for any number of workers, and tables that say what is shown."""

import pytest

from agent_tom import play
from agent_tom.cli import main
from agent_tom.study import Study, compare, finished_cells, read_cell, run_study, table

STUDY = Study(
    games=["ipd"],
    partners=[
        {"name": "agent", "of": "rmax", "reference_return": 5},
        {"name": "agent", "of": {"name": "thompson"}},
        "tit_for_tat",
    ],
    agents=["fictitious_play", "thompson"],
    horizon=12,
    episodes=4,
)


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    assert run_study(STUDY, folder, progress=False) == 6
    return folder


def test_two_workers_leave_the_same_bytes(played, tmp_path):
    run_study(STUDY, tmp_path, workers=2, progress=False)
    assert files(tmp_path) == files(played)


def test_a_run_goes_on_where_it_stopped(played, tmp_path, monkeypatch):
    count = []

    def stopped(*arguments, **settings):
        if len(count) == 3:
            raise KeyboardInterrupt
        count.append(1)
        return play(*arguments, **settings)

    monkeypatch.setattr("agent_tom.study.parts.play", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_study(STUDY, tmp_path, progress=False)
    monkeypatch.undo()
    assert run_study(STUDY, tmp_path, progress=False) == 3
    assert files(tmp_path) == files(played)


def test_records_hold_what_the_partner_said(played):
    dists = [read_cell(path)[1].partner_dists for path in finished_cells(played)]
    assert [None if dist is None else dist.shape for dist in dists] == [(4, 12, 2), (4, 12, 2), *[None] * 4]


def test_tables_say_which_estimator_they_show(played, capsys):
    rows = table(played, resamples=100)
    assert [row["estimator"] for row in rows] == ["path", "path", "", "", "advantage", "advantage"]
    assert [row["believed"] for row in rows] == ["myopic", "", "", "", "planned", ""]
    assert [row["regret"] is None for row in rows] == [False, False, True, True, False, False]
    assert rows[0]["regret"][0] == pytest.approx(5 - rows[0]["payoff"][0])
    assert all(row["normalised"] is None for row in rows[:4])
    assert main(["metrics", "--folder", str(played)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["game", "partner", "agent", "estimator", "believed"]
    assert " path " in lines[1]
    assert " –  " in lines[3]


def test_a_comparison_of_regrets_that_are_not_known_is_refused(played):
    message = (
        r"no regret against 'agent\(of=thompson\)' in ipd: the best play is not known, and no reference return is declared; "
        "set `reference_return` of the partner, or compare 'payoff'"
    )
    with pytest.raises(ValueError, match=message):
        compare(played, "thompson", "fictitious_play")
    assert len(compare(played, "thompson", "fictitious_play", name="payoff")) == 3


def test_agents_that_must_be_told_are_refused_before_anything_is_played():
    with pytest.raises(
        ValueError, match="agent 'oracle' must be told the rule of its partner, but partner 'agent' has"
    ):
        Study(games=["rps"], partners=["single", {"name": "agent", "of": "rmax"}], agents=["uniform", "oracle"])
