"""The command: every verb, results as text and as JSON, and bad input in one sentence."""

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
    assert "tit_for_tat" in capsys.readouterr().out


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--kind", "game"], "no kind of name is called 'game'; did you mean 'games'"),
        (["show", "--game", "ipdd"], "no game is called 'ipdd'; did you mean 'ipd'"),
        (["show", "--game", "ipd", "--partner", "tit"], "no partner is called 'tit'"),
        (["show", "--game", "ipd", "--partner", "grim", "--horizon", "0"], "`horizon` must be at least 1, got 0"),
        (["run", "--study", "nothing.yaml", "--out", "out"], "no study at"),
        (["metrics", "--folder", "nowhere"], "no study in"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
