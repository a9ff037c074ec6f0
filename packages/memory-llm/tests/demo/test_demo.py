"""The demo's parts come together: one page of all of them, the edits' table as its result, the rest in the terminal."""

import pytest

from gpu_commons.demo_result import read_demo_result
from gpu_commons.page import Section
from memory_llm import demo


@pytest.fixture
def parts(monkeypatch):
    """Stands for the four parts, which take minutes with real models."""
    monkeypatch.setattr(demo.Larimar, "from_connector", lambda: None)
    monkeypatch.setattr(demo, "bundled_book", lambda: "A novel.")
    table = [["moment", "told"], ["before", "0/0"], ["4 facts told", "4/4"]]
    monkeypatch.setattr(demo, "show_edits", lambda *_: ([Section("Edits", "", "")], table))
    monkeypatch.setattr(demo, "show_novel", lambda *_: ([Section("Novel", "", "")], ["Recall: 90%."], ["an answer"]))
    monkeypatch.setattr(demo, "show_chunks", lambda *_: ([Section("Chunks", "", "")], ["another answer"]))
    monkeypatch.setattr(demo, "show_hops", lambda *_: ([Section("Hops", "", "")], ["Two lines: 80% right."]))


@pytest.mark.usefixtures("parts")
def test_the_page_has_all_parts_and_the_result_the_table_of_edits(tmp_path):
    told = demo.run_demo(tmp_path).splitlines()

    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    places = [page.index(f"<h2>{name}</h2>") for name in ("Edits", "Novel", "Chunks", "Hops")]
    assert places == sorted(places)
    result = read_demo_result(tmp_path)
    assert (result.header, result.rows) == (["moment", "told"], [["before", "0/0"], ["4 facts told", "4/4"]])
    assert result.notes[1:] == ["Recall: 90%.", "Two lines: 80% right."]
    assert told[-3:-1] == ["an answer", "another answer"]
