"""Rows, tables and JSON of the same outcomes."""

import json
import math

import pytest

from memory_llm.facts import Outcome, Report


@pytest.fixture
def report():
    return Report(
        outcomes=(
            Outcome(
                method="lookup",
                setting={"told": 2},
                fact_ids=["a", "b"],
                per_fact={"whole": [1.0, 1.0], "s": [math.nan, 1.0], "kl": [math.inf, 0.0], "none": [math.nan] * 2},
            ),
        )
    )


@pytest.fixture
def other():
    return Report(outcomes=(Outcome(method="base", setting={"edits": 1}, fact_ids=["a"], per_fact={"whole": [0.0]}),))


def test_a_table_has_a_column_for_each_setting_and_each_measure_that_was_taken(report, other):
    assert (report + other).to_markdown().splitlines() == [
        "| method | told | edits | whole | s | kl |",
        "| --- | --- | --- | --- | --- | --- |",
        "| lookup | 2 |  | 1.000 [1.000, 1.000] | 1.000 | inf |",
        "| base |  | 1 | 0.000 | – | – |",
    ]


def test_rows_say_method_setting_and_interval_of_each_measure(report):
    rows = report.to_rows()
    assert rows[0] == {
        "method": "lookup",
        "told": 2,
        "measure": "whole",
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
        "num_facts": 2,
    }
    assert [(row["measure"], row["num_facts"]) for row in rows] == [("whole", 2), ("s", 1), ("kl", 2), ("none", 0)]


def test_json_holds_no_number_that_json_does_not_know(report):
    (outcome,) = json.loads(json.dumps(report.to_dict(), allow_nan=False))["outcomes"]
    assert outcome["per_fact"] == {"whole": [1, 1], "s": [None, 1], "kl": [None, 0], "none": [None, None]}
    assert outcome["intervals"]["s"] == {"value": 1, "low": None, "high": None, "num_facts": 1}
    assert (outcome["method"], outcome["setting"], outcome["fact_ids"]) == ("lookup", {"told": 2}, ["a", "b"])
