"""Pages hold texts as text, fragments as they are, and nothing half-written stays."""

import json

import pytest

from gpu_commons.page import Section, assemble_page, json_for_script, picture_fragment, table_fragment, write_html


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


class Figure:
    """Stands for plotly's, which this package does not require."""

    def __init__(self, content):
        self.content = content

    def to_json(self):
        return self.content

    def to_html(self, **settings):
        return f"{settings['div_id']} {settings['full_html']} {settings['include_plotlyjs']}"


def test_a_picture_is_named_by_what_it_shows():
    one, same, other = (picture_fragment(Figure(content), "curve") for content in ("a", "a", "b"))
    assert one == same != other
    assert one.startswith("curve-")
    assert one.endswith(" False False")
    assert picture_fragment(Figure("a"), "curve", include_js=True).endswith(" True")


def test_data_for_a_script_cannot_end_it():
    value = {"text": "</script><!--", "number": 1.5}
    written = json_for_script(value)
    assert "<" not in written
    assert json.loads(written) == value


def test_a_number_that_a_browser_cannot_read_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_for_script([float("nan")])
