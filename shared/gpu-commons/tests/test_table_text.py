"""Columns are as wide as they need, and an interval says its three numbers."""

import pytest

from gpu_commons.table_text import aligned, interval_text


def test_columns_are_as_wide_as_their_widest_cell_and_lines_end_with_text():
    assert aligned(("name", "n"), [["a", "100"], ["longer", "2"]]) == "name    n\na       100\nlonger  2"


def test_a_head_without_rows_is_a_line():
    assert aligned(("name", "n"), []) == "name  n"


def test_a_row_that_is_too_long_is_no_table():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        aligned(("name", "n"), [["a", "1", "2"]])


def test_an_interval_stands_in_brackets_and_a_missing_one_is_a_dash():
    assert interval_text([0.456, -0.1, 1.0]) == "0.46 [-0.10, 1.00]"
    assert interval_text((0.4567, 0.4, 0.5), digits=3) == "0.457 [0.400, 0.500]"
    assert interval_text(None) == "–"
