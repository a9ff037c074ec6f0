"""The page on scaling says what the records say, to the digits that it shows."""

import math
import re
from typing import NamedTuple

import pytest
import tables
from members import ROOT

PAGE = ROOT / "docs" / "scaling.md"


class Claim(NamedTuple):
    shown: str
    record: str
    figure: str


def claims(text: str) -> list[Claim]:
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in text.splitlines() if line.startswith("|")]
    return [Claim(row[1].split()[0], row[2], row[3]) for row in cells if len(row) == 4 and "/" in row[2]]


def value_of(record: str, figure: str) -> float:
    package, _, name = record.partition("/")
    records = tables.newest_records(ROOT / "packages" / package / "benchmarks" / "results", name)
    (value,) = [each["value"] for found in records for each in found["figures"] if each["id"] == figure]
    return value


def says(shown: str, value: float) -> bool:
    """Whether a value rounds to what is shown, of which trailing zeros in front of the point are not counted."""
    whole, _, part = shown.partition(".")
    unit = 10.0 ** -len(part) if part else 10.0 ** (len(whole) - len(whole.rstrip("0")) if len(whole) > 4 else 0)
    return math.isclose(float(shown), value, rel_tol=0, abs_tol=0.5 * unit * (1 + 1e-9))


CLAIMS = claims(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.figure)
def test_a_figure_on_the_page_is_that_of_its_record(claim):
    value = value_of(claim.record, claim.figure)
    assert says(claim.shown, value), f"the record has {value}"


def test_every_package_is_on_the_page():
    packages = {"memory-llm", "safe-finetune", "controlled-decoding", "agent-tom", "protein-fitness"}
    assert {claim.record.partition("/")[0] for claim in CLAIMS} == packages


@pytest.mark.parametrize(
    ("shown", "value", "right"),
    [("1.38", 1.3839, True), ("1.39", 1.3839, False), ("1456000", 1456029.9, True), ("160", 160.6, False)],
)
def test_a_value_is_compared_to_the_digits_shown(shown, value, right):
    assert says(shown, value) is right
