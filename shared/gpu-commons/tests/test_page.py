"""Pages hold texts as text, fragments as they are, and nothing half-written stays."""

import pytest

from gpu_commons.page import Section, assemble_page, table_fragment, write_html


def test_texts_are_escaped_and_fragments_are_not():
    table = table_fragment(["method", "<rate>"], [["plain", "1 < 2"]], caption="a & b")
    page = assemble_page("<One>", [Section("Numbers", "less < more", table), Section("Raw", "", "<hr>")])
    for shown in ("&lt;One&gt;", "less &lt; more", "&lt;rate&gt;", "1 &lt; 2", "a &amp; b", "<hr>"):
        assert shown in page
    assert "http" not in page.replace("http-equiv", "")


def test_ragged_table_is_refused():
    with pytest.raises(ValueError, match="`rows` needs 2 cells in each row, as `header`, got 1"):
        table_fragment(["method", "rate"], [["plain"]])


def test_writing_replaces_an_older_page_and_leaves_nothing_beside_it(tmp_path):
    path = write_html("one", tmp_path / "folder" / "page.html")
    write_html("two", path)
    assert path.read_text() == "two"
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
