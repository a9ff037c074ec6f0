"""A study is the same however it is run, goes on where it stopped, and its records are enough to measure it again."""

from dataclasses import replace

import numpy as np
import pytest

from agent_tom import make_agent, measure, play
from agent_tom.agents import FictitiousPlay
from agent_tom.backends import ScriptedBackend
from agent_tom.study import Study, compare, finished_cells, holm, read_account, read_cell, run_study, sign_flip_p, table
from agent_tom.study.setting import setting_of

STUDY = Study(
    games=["rps", "ipd"], partners=["single", "noisy_single"], agents=["thompson", "fictitious_play"], episodes=6
)


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    assert run_study(STUDY, folder, progress=False) == 8
    return folder


def test_two_workers_leave_the_same_bytes(played, tmp_path):
    run_study(STUDY, tmp_path / "two", workers=2, progress=False)
    assert files(tmp_path / "two") == files(played)


def test_a_run_goes_on_where_it_stopped(played, tmp_path, monkeypatch):
    real, count = play, []

    def stopped(*arguments, **settings):
        if len(count) == 3:
            raise KeyboardInterrupt
        count.append(1)
        return real(*arguments, **settings)

    monkeypatch.setattr("agent_tom.study.parts.play", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_study(STUDY, tmp_path, progress=False)
    monkeypatch.undo()
    assert run_study(STUDY, tmp_path, progress=False) == 5
    assert files(tmp_path) == files(played)


def test_a_cell_goes_on_with_the_episodes_that_are_left(tmp_path, monkeypatch):
    slow = {"name": "language_model", "model": "scripted", "strategy": "cot", "most_episodes": 2}
    study = Study(games=["rps"], partners=["tit_for_tat"], agents=[slow], horizon=4, episodes=5)
    scripted = ScriptedBackend(
        lambda text, probe, options: [0.2, 0.3, 0.5], lambda text, probe: len(text) // 20 % 7 * "because"
    )
    monkeypatch.setattr("agent_tom.agents.language_model._backend", lambda *arguments: scripted)
    run_study(study, tmp_path / "whole", progress=False)
    count = []
    real = ScriptedBackend.begin

    def begin(self, texts):
        count.append(len(texts))
        if len(count) == 3:
            raise KeyboardInterrupt
        real(self, texts)

    monkeypatch.setattr(ScriptedBackend, "begin", begin)
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "stopped", progress=False)
    assert not list(finished_cells(tmp_path / "stopped"))
    run_study(study, tmp_path / "stopped", progress=False)
    assert count == [2, 2, 1, 1]  # the groups that were played are not played again
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    (whole,) = finished_cells(tmp_path / "whole")
    account = read_account(whole)
    assert account.first_text.startswith("You play a game")
    assert account.first_text.endswith("\nSo I choose")
    assert (account.counts["texts"] == 1).all()
    assert account.counts["tokens_written"].shape == (5, 4)
    assert len(set(account.counts["tokens_written"].ravel().tolist())) > 1
    assert account.counts["rounds_read"].tolist() == [[0, 1, 2, 3]] * 5


def test_parts_that_were_played_and_not_joined_are_not_played_again(tmp_path, monkeypatch):
    monkeypatch.setattr(FictitiousPlay, "most_episodes", 2)
    study = Study(games=["rps"], partners=["single"], agents=["fictitious_play"], horizon=3, episodes=5)
    run_study(study, tmp_path / "whole", progress=False)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("agent_tom.study.run.join_parts", killed)
        for parts in (1, 2, 3):
            with pytest.raises(KeyboardInterrupt):
                run_study(study, tmp_path / "killed", progress=False)
            assert len(list((tmp_path / "killed" / "parts").iterdir())) == parts
    monkeypatch.setattr("agent_tom.study.parts.play", killed)
    assert run_study(study, tmp_path / "killed", progress=False) == 1
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert not (tmp_path / "killed" / "parts").exists()


def test_another_study_is_not_mixed_in(played):
    with pytest.raises(ValueError, match="holds another study"):
        run_study(replace(STUDY, seed=1), played, progress=False)


def test_a_study_does_not_go_on_with_other_prompts(played, monkeypatch):
    monkeypatch.setattr("agent_tom.study.plan.version", lambda: "2-00000000")
    with pytest.raises(ValueError, match="holds another study"):
        run_study(STUDY, played, progress=False)


def test_records_give_back_the_episodes(played):
    for path in finished_cells(played):
        cell, episodes = read_cell(path)
        game, partner, _ = setting_of(cell)
        again = play(game, partner, make_agent(cell.agent), episodes=cell.episodes, seed=cell.seed)
        for name, column in vars(again).items():
            found = getattr(episodes, name)
            assert found is None if column is None else np.array_equal(found, column)


def test_an_agent_with_nothing_to_tell_leaves_no_account(played):
    assert {read_account(path) for path in finished_cells(played)} == {None}


def test_the_table_says_what_measure_says(played):
    rows = table(played, resamples=200)
    assert len(rows) == 8
    row = rows[3]
    assert (row["game"], row["partner"], row["agent"]) == ("rps", "noisy_single", "fictitious_play")
    cell, episodes = read_cell(list(finished_cells(played))[3])
    game, partner, solution = setting_of(cell)
    expected = measure(game, partner, episodes, solution=solution).values
    assert row["regret"][0] == pytest.approx(expected["regret"].mean())
    assert row["accuracy"][0] == pytest.approx(expected["accuracy"].mean())
    assert rows[0]["accuracy"] is None  # Thompson sampling has no model of its partner


def test_a_comparison_is_paired(played):
    rows = compare(played, "thompson", "fictitious_play")
    assert [(row["game"], row["partner"]) for row in rows] == [
        (game, partner) for game in STUDY.games for partner in STUDY.partners
    ]
    swapped = compare(played, "fictitious_play", "thompson")
    for row, back in zip(rows, swapped, strict=True):
        assert row["difference"] == pytest.approx(-back["difference"])
        assert row["p"] == back["p"]
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["p"] <= row["p_holm"] <= 1


@pytest.mark.parametrize(
    ("agents", "name", "message"),
    [
        (("rmax", "thompson"), "regret", "agent 'rmax' is not in the study; it has thompson, fictitious_play"),
        (("thompson", "fictitious_play"), "accuracy", "agent 'thompson' has no 'accuracy'; it has payoff"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(played, agents, name, message):
    with pytest.raises(ValueError, match=message):
        compare(played, *agents, name=name)


def test_a_folder_without_a_study_and_a_broken_cell_are_named(played, tmp_path):
    with pytest.raises(FileNotFoundError, match="no study in"):
        list(finished_cells(tmp_path))
    broken = tmp_path / "00000.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="00000.parquet holds no episodes of a study"):
        read_cell(broken)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_sign_flips_of_few_episodes_by_hand():
    # Of the 16 patterns of signs only two are as far from 0 as all alike.
    assert sign_flip_p(np.array([1.0, 2.0, 3.0, 4.0]), seed=0) == pytest.approx(2 / 16, abs=0.01)
    assert sign_flip_p(np.zeros(4), seed=0) == 1
