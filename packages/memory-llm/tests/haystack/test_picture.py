"""The picture shows each reader's recall where it was measured, and nothing where it was not."""

import pytest

from memory_llm.haystack.grid_result import Answer, GridResult, Timing
from memory_llm.haystack.picture import grid_figure, grid_fragment, short_length


def result(reader, cells):
    """Cells: (length, depth, right, wrong)."""
    answers = [
        Answer(
            haystack=f"{length}-{depth}-{number}",
            num_tokens=length,
            depth=depth,
            seed=0,
            expected="x",
            answer="x",
            correct=number < right,
            bytes_moved=10,
        )
        for length, depth, right, wrong in cells
        for number in range(right + wrong)
    ]
    return GridResult(reader, answers, [Timing(0.1, 0.2)] * len(answers))


RESULTS = [
    result("memory", [(4000, 0.0, 2, 0), (4000, 1.0, 1, 1), (1_000_000, 0.0, 2, 0)]),
    result("full <context>", [(4000, 0.0, 0, 3)]),
]


def test_cells_show_recall_and_gaps_stay_empty():
    memory, full = grid_figure(RESULTS).data
    assert [list(row) for row in memory.z] == [[1.0, 1.0], [0.5, None]]
    assert [list(row) for row in full.z] == [[0.0, None], [None, None]]
    assert list(memory.x) == ["4K", "1M"]
    assert list(memory.y) == ["0", "1"]
    assert "recall 50.0% [9.5%, 90.5%] of 2" in memory.hovertext[1][0]


def test_the_fragment_is_one_div_the_same_each_time_and_brings_its_script_only_if_asked():
    fragment = grid_fragment(RESULTS)
    assert fragment == grid_fragment(RESULTS)
    assert fragment.startswith("<div ")
    assert "<html" not in fragment
    assert len(fragment) < 100_000
    assert len(grid_fragment(RESULTS, include_js=True)) > 1_000_000


@pytest.mark.parametrize(
    ("length", "shown"), [(512, "512"), (4000, "4K"), (4096, "4.1K"), (131_072, "131K"), (1_000_000, "1M")]
)
def test_lengths_are_short(length, shown):
    assert short_length(length) == shown


@pytest.mark.parametrize("results", [[], [GridResult("nobody", [], [])]])
def test_a_picture_of_nothing_is_refused(results):
    with pytest.raises(ValueError, match=f"got {len(results)} without"):
        grid_figure(results)
