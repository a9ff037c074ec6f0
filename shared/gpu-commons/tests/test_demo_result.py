"""What a demo leaves is read back as it was, and told in the terminal."""

import json

import pytest

from gpu_commons.demo_result import RESULT_FILE, DemoResult, read_demo_result

RESULT = DemoResult(
    title="Rates",
    header=["model", "rate"],
    rows=[["plain", "0.5"], ["ours – steered", "0.25"]],
    notes=["Small."],
    seconds=61.6,
)


def test_a_result_is_read_as_it_was_left(tmp_path):
    RESULT.leave_beside(tmp_path / "index.html")
    assert read_demo_result(tmp_path) == RESULT


def test_the_terminal_gets_table_notes_further_lines_and_the_page_in_this_order(tmp_path):
    page = tmp_path / "index.html"
    told = RESULT.leave_beside(page, "More.").splitlines()
    assert told == [
        "model           rate",
        "plain           0.5",
        "ours – steered  0.25",
        "Small.",
        "More.",
        f"62 s; open {page}",
    ]


def test_a_later_demo_takes_the_place_of_an_earlier_one(tmp_path):
    RESULT.leave_beside(tmp_path / "index.html")
    later = DemoResult(title="Rates", header=["model"], rows=[["plain"]], seconds=1.0)
    later.leave_beside(tmp_path / "index.html")
    assert read_demo_result(tmp_path).rows == [["plain"]]


def test_where_no_demo_has_run_there_is_no_result(tmp_path):
    assert read_demo_result(tmp_path / "not-there") is None


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"title": "Rates", "unknown": 1})])
def test_another_file_of_that_name_is_refused_by_its_place(tmp_path, content):
    (tmp_path / RESULT_FILE).write_text(content)
    with pytest.raises(ValueError, match=r"result\.json: is not what a demo leaves \(.*\); run that demo again\."):
        read_demo_result(tmp_path)
