"""A study's page is one file, holds what was played, and its browser view changes with a click."""

import json
import re

import pytest

from agent_tom.report import write_report
from agent_tom.report.transcript import prompt_of
from agent_tom.report.yardsticks import YARDSTICKS, with_yardsticks
from agent_tom.study import Study, cumulative_regret, played_cells, run_study
from gpu_commons.browser import chromium, page_after_scripts

CLICKS = """<script>
addEventListener("load", () => {
  const choice = document.querySelector(".settings-view select");
  choice.value = "1";
  choice.dispatchEvent(new Event("change"));
  document.querySelector('[data-setting="1"] details summary').click();
});
</script>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study of two games, one partner and two agents."""
    folder = tmp_path_factory.mktemp("study")
    study = Study(games=["rps", "ipd"], partners=["tit_for_tat"], agents=["rmax", "thompson"], horizon=12, episodes=4)
    run_study(study, folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return write_report(folder, folder / "report.html", title="Tom & co").read_text(encoding="utf-8")


def data_of(page) -> list[dict]:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_yardsticks_are_added_once(folder):
    names = [played.cell.names["agent"] for played in with_yardsticks(played_cells(folder))]
    assert names == 2 * ["rmax", "thompson", "oracle", "uniform"]
    assert set(YARDSTICKS) <= set(names)


def test_curves_in_the_page_are_the_regrets_of_the_study(folder, page):
    first = data_of(page)[0]
    assert [agent["name"] for agent in first["agents"]] == ["rmax", "thompson", "oracle", "uniform"]
    rmax = next(iter(played_cells(folder)))
    assert first["agents"][0]["lost"] == pytest.approx(cumulative_regret(rmax).tolist(), abs=1e-3)
    assert first["agents"][2]["lost"] == [0.0] * 12
    assert all(sum(shares) == pytest.approx(1, abs=2e-3) for shares in zip(*first["agents"][1]["moves"], strict=True))


def test_the_page_fetches_nothing_and_escapes_its_title(page):
    assert "<title>Tom &amp; co</title>" in page
    assert re.search(r'Content-Security-Policy" content="default-src \'none\'', page)
    outside = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', page)
    assert set(outside) == {"data:,"}


def test_a_folder_without_a_finished_cell_is_refused(tmp_path):
    run_study(Study(games=["rps"], partners=["single"], agents=["rmax"], horizon=2, episodes=2), tmp_path)
    for file in (tmp_path / "cells").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="holds no finished cell yet; run the study first"):
        write_report(tmp_path, tmp_path / "report.html")


def test_a_partner_without_an_automaton_has_what_can_be_known(tmp_path):
    partners = [{"name": "agent", "of": "rmax", "reference_return": 8}, {"name": "agent", "of": "rmax"}]
    run_study(Study(games=["ipd"], partners=partners, agents=["uniform"], horizon=6, episodes=3), tmp_path / "study")
    page = write_report(tmp_path / "study", tmp_path / "report.html").read_text(encoding="utf-8")
    with_reference, without = data_of(page)
    assert [agent["name"] for agent in without["agents"]] == ["uniform", "rmax"]  # there is no best play to add
    assert len(with_reference["agents"][0]["lost"]) == 6
    assert without["agents"][0]["lost"] == []
    assert "no reference return is declared" in page


def test_an_agent_without_prompts_has_no_transcript(folder):
    assert prompt_of(next(iter(played_cells(folder))), 0, 3) is None


@pytest.mark.skipif(chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
def test_a_click_shows_the_other_game(page, tmp_path):
    path = tmp_path / "clicked.html"
    path.write_text(page.replace("</body>", f"{CLICKS}</body>"), encoding="utf-8")
    shown = page_after_scripts(path, tmp_path / "profile")
    assert re.search(r'<div data-setting="0" hidden(="")?>', shown)
    assert '<div data-setting="1">' in shown
    assert re.search(r'<details class="worst" open(="")?>', shown)
    moves = shown[shown.index('class="moves') : shown.index("data-setting")]
    assert moves.count('class="barlayer') >= 4
    assert "cooperate" in moves or "defect" in moves or "C" in moves
