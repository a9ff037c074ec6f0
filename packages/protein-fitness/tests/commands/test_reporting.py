import json

import pytest

from gpu_commons.cli import run_verbs
from protein_fitness.cli import main
from protein_fitness.commands.reporting import report
from protein_fitness.site_matrix import read_scan


def verb(*arguments):
    given = ["report", *map(str, arguments)]
    return run_verbs({"report": report}, command="protein-fitness", version="0", arguments=given)


def test_a_scan_becomes_a_page(gb1_file, tmp_path, capsys):
    scanned = tmp_path / "scan.csv"
    assert main(["scan", "--structure", str(gb1_file), "--out", str(scanned)]) == 0
    capsys.readouterr()

    out, png = tmp_path / "report.html", tmp_path / "map.png"
    assert verb("--scan", scanned, "--out", out, "--structure", gb1_file, "--png", png, "--json", "true") == 0

    told = json.loads(capsys.readouterr().out)
    assert told == {
        "sites": 56,
        "scorer": "blosum62+accessibility+contact_number",
        "page": str(out),
        "png": str(png),
    }
    assert "structure-view-" in out.read_text(encoding="utf-8")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_scan_without_what_lies_beside_it_is_said(tmp_path, capsys):
    (tmp_path / "scan.csv").write_text("mutant,position,wild,to,score\n")

    assert verb("--scan", tmp_path / "scan.csv", "--out", tmp_path / "report.html") == 2
    assert "scan.json; give the CSV of `protein-fitness scan`, its .json beside it." in capsys.readouterr().err

    (tmp_path / "scan.json").write_text('{"sequence": "MK"}')
    with pytest.raises(ValueError, match="does not tell the scorer"):
        read_scan(tmp_path / "scan.csv")
