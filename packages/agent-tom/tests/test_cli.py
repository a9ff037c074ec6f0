"""The command: every verb, results as text and as JSON, and bad input in one sentence."""

import io
import json

import pytest

from agent_tom.cli import main

STUDY = "games: [ipd]\npartners: [tit_for_tat]\nagents: [oracle, fictitious_play, uniform]\nepisodes: 4\nhorizon: 20\n"


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def test_names_are_listed(capsys):
    assert main(["list", "--kind", "agents", "--json", "true"]) == 0
    assert "rmax" in json.loads(capsys.readouterr().out)["agents"]
    assert main(["list"]) == 0
    assert "tit_for_tat" in (out := capsys.readouterr().out)
    assert "agent, axelrod" in out


def test_prompts_are_listed_with_a_line_on_each(capsys):
    assert main(["list", "--kind", "prompts", "--json", "true"]) == 0
    prompts = json.loads(capsys.readouterr().out)["prompts"]
    assert list(prompts) == ["strategies", "wordings"]
    assert prompts["strategies"]["cot"] == "reasons in free text, then the move"
    assert main(["list", "--kind", "prompts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "strategies, cot: reasons in free text, then the move" in lines
    assert len(lines) == sum(map(len, prompts.values()))


def test_a_game_is_shown_with_the_best_play_against_a_partner(capsys):
    assert main(["show", "--game", "ipd", "--partner", "tit_for_tat", "--json", "true"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["payoffs"]["defect"]["cooperate"] == [10, 0]
    assert shown["regret a round"] == pytest.approx({"uniform": 2.23, "largest": 3.005})
    assert shown["best in round 50"] == {"0": ["cooperate"], "1": ["cooperate"]}
    assert main(["show", "--game", "rps", "--partner", "{name: cycle, length: 2}"]) == 0
    out = capsys.readouterr().out
    assert "best 1; uniform 0; worst -1" in out
    assert "0: paper; 1: scissors" in out


def test_a_study_is_run_and_measured_again(study, tmp_path, capsys):
    assert main(["run", "--study", str(study), "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "regret_of_last_rounds" in text
    assert "advantage" in text  # the estimator of the regret
    assert "legal_mass" not in text  # no agent of this study can do anything but a legal move
    assert main(["metrics", "--folder", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == text
    assert main(["metrics", "--folder", str(tmp_path / "out"), "--json", "true"]) == 0
    rows = {row["agent"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["oracle"]["regret"] == pytest.approx([0, 0, 0], abs=1e-9)
    assert rows["oracle"]["gap"] is None
    assert rows["fictitious_play"]["regret"][0] == pytest.approx(55.1 / 20, abs=0.1)
    assert main(["compare", "--folder", str(tmp_path / "out"), "--agent", "uniform", "--other", "oracle"]) == 0
    assert "tit_for_tat" in capsys.readouterr().out


def test_a_study_is_played_in_parts_merged_and_reported(study, tmp_path, capsys):
    for part in ("1/2", "2/2"):
        where = str(tmp_path / part.replace("/", "-"))
        assert main(["run", "--study", str(study), "--out", where, "--share", part]) == 0
    first, second = (str(tmp_path / name) for name in ("1-2", "2-2"))
    capsys.readouterr()
    assert main(["merge", "--folders", f'["{second}"]', "--out", str(tmp_path / "all"), "--json", "true"]) == 3
    told = capsys.readouterr()
    assert json.loads(told.out) == {"cells": 1, "of": 3}
    assert "2 of 3 cells are in none of the folders" in told.err
    assert main(["merge", "--folders", f'["{first}", "{second}"]', "--out", str(tmp_path / "all")]) == 0
    page = tmp_path / "page.html"
    assert main(["report", "--folder", str(tmp_path / "all"), "--out", str(page), "--title", "Mine"]) == 0
    assert "<title>Mine</title>" in page.read_text()


def test_a_part_of_a_study_says_that_it_is_one(study, tmp_path, capsys):
    assert main(["run", "--study", str(study), "--out", str(tmp_path / "out"), "--share", "1/3"]) == 0
    told = capsys.readouterr()
    assert "1 of 3 cells are there yet" in told.err
    assert len(told.out.splitlines()) == 2  # the head and a cell
    assert main(["run", "--study", str(study), "--out", str(tmp_path / "out"), "--share", "half"]) == 2
    assert "`share` must be such as 2/5, the second of five parts, got 'half'" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_named(study, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["run", "--study", str(study), "--out", str(tmp_path / "file" / "out")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err.splitlines()[-1]


def test_an_interrupted_study_says_what_is_there(study, tmp_path, capsys, monkeypatch):
    from agent_tom.study import run

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "play_part", interrupted)
    assert main(["run", "--study", str(study), "--out", str(tmp_path / "out")]) == 3
    assert "stopped with 0 of 3 cells; run again to go on" in capsys.readouterr().err


def test_the_best_play_is_shown_by_state(capsys):
    arguments = ["oracle", "--game", "ipd", "--partner", "tit_for_tat", "--horizon", "10"]
    assert main([*arguments, "--round", "10", "--json", "true"]) == 0
    last = json.loads(capsys.readouterr().out)
    assert [row["best"] for row in last] == [["defect"], ["defect"]]
    assert last[0]["worth"] == {"cooperate": 8.0, "defect": 10.0}
    assert main(arguments) == 0
    assert "cooperate 1.00" in capsys.readouterr().out


def test_an_agent_is_watched(capsys):
    arguments = ["play", "--game", "rps", "--partner", "single", "--agent", "oracle", "--horizon", "3", "--seed", "1"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.count("round") >= 3
    assert "lost a round against the best play 0" in out
    assert main([*arguments, "--json", "true"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [move["payoff"] for move in told["moves"]] == [1.0, 1.0, 1.0]


def test_a_person_plays(capsys, monkeypatch):
    arguments = ["play", "--game", "ipd", "--partner", "tit_for_tat", "--horizon", "2", "--seed", "0"]
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n2\n1\n2\n"))
    assert main(arguments) == 0
    assert "foretold" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    assert main(arguments) == 2
    assert "the input ended before the last round" in capsys.readouterr().err


def test_claims_are_tried_and_a_missed_one_is_told(capsys, monkeypatch):
    from agent_tom import validation
    from gpu_commons import Figure

    figures = [
        Figure(id=name, value=1.0, unit="", better="lower", target=target) for name, target in (("a", 2.0), ("b", 0.5))
    ]
    monkeypatch.setattr(validation, "tabular_figures", lambda episodes: iter(figures[:episodes]))
    assert main(["validate", "--episodes", "1"]) == 0
    assert main(["validate", "--episodes", "2", "--json", "true"]) == 3
    told = capsys.readouterr()
    assert [row["met"] for row in json.loads(told.out.splitlines()[-1])] == [True, False]
    assert "1 of 2 figures miss their targets, such as 'b'" in told.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--kind", "game"], "no kind of name is called 'game'; did you mean 'games'"),
        (["show", "--game", "ipdd"], "no game is called 'ipdd'; did you mean 'ipd'"),
        (["show", "--game", "ipd", "--partner", "tit"], "no partner is called 'tit'"),
        (
            ["show", "--game", "ipd", "--partner", "{name: agent, of: rmax}"],
            "partner 'agent' only plays and has no auto",
        ),
        (["show", "--game", "ipd", "--partner", "grim", "--horizon", "0"], "`horizon` must be at least 1, got 0"),
        (["run", "--study", "nothing.yaml", "--out", "out"], "no study at"),
        (["metrics", "--folder", "nowhere"], "no study in"),
        (["merge", "--folders", "[]", "--out", "out"], "`folders` is empty"),
        (["report", "--folder", "nowhere", "--out", "page.html"], "no study in"),
        (["oracle", "--game", "ipd", "--partner", "grim", "--round", "0"], "`round` must be 1 to 100, got 0"),
        (["play", "--game", "ipd", "--partner", "grim", "--json", "true"], "`json` is for agents"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
