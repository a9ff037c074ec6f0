"""Findings are a table for people and rows for programs."""

import json

import pytest

from gpu_commons.cli import NotReady
from gpu_commons.findings import Finding, show_findings, tried

FINDINGS = [Finding("torch", "2.13.0"), Finding("ray", "not installed", "pip install ray")]


def test_people_get_a_table(capsys):
    show_findings(FINDINGS, as_json=False)

    assert capsys.readouterr().out == (
        "       found          advice\ntorch  2.13.0\nray    not installed  pip install ray\n"
    )


def test_programs_get_all_fields(capsys):
    show_findings(FINDINGS, as_json=True)

    assert json.loads(capsys.readouterr().out) == [
        {"what": "torch", "found": "2.13.0", "advice": "", "blocking": False},
        {"what": "ray", "found": "not installed", "advice": "pip install ray", "blocking": False},
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_all_findings_are_shown_before_a_blocking_one_stops_the_command(capsys, as_json):
    with pytest.raises(NotReady, match="not ready because of torch;"):
        show_findings(
            [Finding("torch", "not installed", "pip install torch", blocking=True), *FINDINGS], as_json=as_json
        )

    assert "pip install ray" in capsys.readouterr().out


def test_what_can_be_read_is_told():
    assert tried("number", lambda: int("3"), "got {}".format) == (3, Finding("number", "got 3"))


@pytest.mark.parametrize("error", [ValueError, OSError, ImportError])
def test_what_cannot_be_read_is_told_in_one_line(error):
    def read():
        raise error("no such thing;\n\n  look elsewhere.")

    found = Finding("thing", "cannot be used", "no such thing; look elsewhere.", blocking=True)
    assert tried("thing", read, str, blocking=True) == (None, found)
