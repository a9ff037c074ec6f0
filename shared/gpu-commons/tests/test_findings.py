"""Findings are a table for people and rows for programs."""

import json

from gpu_commons.findings import Finding, show_findings

FINDINGS = [Finding("torch", "2.13.0"), Finding("ray", "not installed", "pip install ray")]


def test_people_get_a_table(capsys):
    show_findings(FINDINGS, as_json=False)

    assert capsys.readouterr().out == (
        "       found          advice\ntorch  2.13.0\nray    not installed  pip install ray\n"
    )


def test_programs_get_all_fields(capsys):
    show_findings(FINDINGS, as_json=True)

    assert json.loads(capsys.readouterr().out) == [
        {"what": "torch", "found": "2.13.0", "advice": ""},
        {"what": "ray", "found": "not installed", "advice": "pip install ray"},
    ]
