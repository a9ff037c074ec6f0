"""A Ray cluster gives the bytes that one process gives, and its errors are those of the task."""

import subprocess
import sys

import pytest

from agent_tom.study import read_study, run_study

pytest.importorskip("ray", reason="the extra [ray] is not installed")

PLAN = """
games: [rps, ipd]
partners: [noisy_tit_for_tat]
agents: [thompson, rmax]
episodes: 4
horizon: 20
"""
OTHER_GAME = "games: [rps]\npartners: [{name: permuted, of: single, order: [1, 0]}]\nagents: [rmax]\n"


def run_on_a_cluster(plan, folder):
    """The command in a process of its own, since Ray leaves processes to the one that began it."""
    path = folder / "study.yaml"
    path.write_text(plan)
    command = [sys.executable, "-m", "agent_tom.cli", "run", "--study", str(path), "--out", str(folder / "there")]
    return subprocess.run([*command, "--cluster", "local"], capture_output=True, text=True, timeout=300)


def test_a_cluster_gives_the_same_bytes(tmp_path):
    done = run_on_a_cluster(PLAN, tmp_path)
    assert done.returncode == 0, done.stderr
    run_study(read_study(tmp_path / "study.yaml"), tmp_path / "here", progress=False)
    here, there = (
        {file.name: file.read_bytes() for file in (tmp_path / name / "cells").iterdir()} for name in ("here", "there")
    )
    assert len(here) == 4
    assert here == there


def test_an_error_of_a_task_comes_back_as_it_is(tmp_path):
    done = run_on_a_cluster(OTHER_GAME, tmp_path)
    assert done.returncode == 2
    assert "order" in done.stderr.splitlines()[-1]
