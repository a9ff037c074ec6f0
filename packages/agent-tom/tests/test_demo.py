"""The demo leaves its page and its table, and goes on where it was killed."""

import pytest

from agent_tom import demo
from gpu_commons.demo_result import read_demo_result


@pytest.fixture
def learner(monkeypatch):
    """Stands for the language model, which takes minutes."""
    monkeypatch.setattr(demo, "MODEL", "thompson")


@pytest.mark.usefixtures("learner")
def test_every_agent_has_its_row_against_every_partner(tmp_path):
    told = demo.run_demo(tmp_path, quick=True)

    result = read_demo_result(tmp_path)
    agents = ["oracle", "uniform", "fictitious_play", "rmax", "type_inference", "thompson"]
    assert [row[:3] for row in result.rows] == [
        [game, partner, agent] for game in ("rps", "ipd") for partner in ("single", "tit_for_tat") for agent in agents
    ]
    assert result.notes[0].startswith("2 episodes of 4 rounds. ")
    assert (tmp_path / "index.html").is_file()
    assert told.endswith(f"open {tmp_path / 'index.html'}")


@pytest.mark.usefixtures("learner")
def test_a_second_demo_plays_nothing_anew(tmp_path):
    demo.run_demo(tmp_path, quick=True)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "study-quick" / "cells").iterdir()}
    demo.run_demo(tmp_path, quick=True)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "study-quick" / "cells").iterdir()} == before
    assert len(before) == 24
