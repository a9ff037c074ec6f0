"""Tables say what the newest committed records say."""

import json

import pytest
import tables

FIGURE = {"id": "tree plan", "value": 1.2346, "unit": "ratio", "better": "lower", "interval": [1.1, 1.3]}


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "shared" / "gpu-commons").mkdir(parents=True)
    package = tmp_path / "packages" / "p"
    (package / "benchmarks" / "results" / "scratch").mkdir(parents=True)
    (package / "pyproject.toml").touch()
    (package / "README.md").write_text("before\n<!-- results: bench_cost -->\nold\n<!-- end results -->\nafter\n")
    return tmp_path


def add_record(workspace, *, name="bench_cost", hardware="cpu-2c-x", date="2026-01-01", folder=".", **changes):
    record = {"hardware": hardware, "date": date, "commit": "0123456789abcdef", "command": "python bench_cost.py"}
    record["figures"] = [{**FIGURE, "target": 1.4, "baseline": None, **changes}]
    results = workspace / "packages" / "p" / "benchmarks" / "results" / folder
    (results / f"{name}--{hardware}--{date}.json").write_text(json.dumps(record))


def table(workspace):
    text = tables.filled(workspace / "packages" / "p" / "README.md", workspace)
    assert text.startswith("before\n<!-- results: bench_cost -->\n")
    assert text.endswith("<!-- end results -->\nafter\n")
    return text


def test_a_figure_becomes_a_row_with_its_provenance(workspace):
    add_record(workspace)
    text = table(workspace)
    assert "| figure | value | interval | target | unit | better |\n" in text
    assert "| tree plan | 1.235 | 1.1 to 1.3 | ≤ 1.4 | ratio | lower |\n" in text
    assert "\ncpu-2c-x, 2026-01-01, commit 0123456789: `python bench_cost.py`\n" in text


def test_the_newest_record_of_each_hardware_is_shown(workspace):
    add_record(workspace, date="2026-01-02", value=2)
    add_record(workspace, date="2025-12-31", value=1)
    add_record(workspace, date="2024-01-01", hardware="nvidia-h200", value=3)
    text = table(workspace)
    assert "| tree plan | 2 |" in text
    assert "| tree plan | 3 |" in text
    assert "| tree plan | 1 |" not in text


def test_other_benchmarks_and_scratch_are_not_shown(workspace):
    add_record(workspace, name="bench_other")
    add_record(workspace, folder="scratch")
    assert "No result is committed yet." in table(workspace)


def test_a_document_elsewhere_names_the_package(workspace):
    add_record(workspace)
    (workspace / "README.md").write_text("<!-- results: p/bench_cost -->\n<!-- end results -->\n")
    assert "| tree plan | 1.235 |" in tables.filled(workspace / "README.md", workspace)


def test_a_marker_may_ask_for_the_figures_with_a_target_alone(workspace):
    add_record(workspace)
    add_record(workspace, name="bench_free", target=None)
    document = workspace / "README.md"
    document.write_text(
        "<!-- results: p/bench_cost, targets -->\n<!-- end results -->\n"
        "<!-- results: p/bench_free, targets -->\n<!-- end results -->\n"
    )
    assert tables.filled(document, workspace).count("| tree plan |") == 1


def test_a_filled_document_is_no_longer_stale(workspace):
    add_record(workspace)
    (stale,) = tables.stale(workspace)
    stale.write_text(tables.filled(stale, workspace))
    assert tables.stale(workspace) == []


def test_a_document_without_markers_stays_as_it_is(workspace):
    text = "# Title\n\n<!-- a comment -->\n"
    (workspace / "README.md").write_text(text)
    assert tables.filled(workspace / "README.md", workspace) == text
