"""A grid run scores every haystack, can be killed at any byte and resumed, and mixes no settings."""

import pytest

from memory_llm.haystack.grid import LongReader, run_grid
from memory_llm.haystack.insertion import make_grid
from memory_llm.haystack.needles import needle, passkey

LENGTHS, DEPTHS = [400, 2000, 20_000], [0.0, 0.5, 1.0]


@pytest.fixture(scope="module", params=[passkey, needle], ids=["passkey", "needle"])
def haystacks(book, tokenizer, request):
    return list(make_grid(book, tokenizer, lengths=LENGTHS, depths=DEPTHS, per_cell=2, make_needle=request.param))


def test_a_reader_that_reads_everything_recalls_everything(haystacks, grep_reader):
    reader = grep_reader()
    assert isinstance(reader, LongReader)
    result = run_grid(reader, haystacks, progress=False)
    assert [(cell.num_tokens, cell.depth) for cell in result.cells] == [(n, d) for n in LENGTHS for d in DEPTHS]
    assert all(cell.recall.value == 1 and cell.num_haystacks == 2 for cell in result.cells)
    assert result.recall.low > 0.8
    lengths = [len(haystack.text) for haystack in haystacks]
    assert [answer.bytes_moved for answer in result.answers] == lengths
    assert result.cells[0].bytes_moved == sum(lengths[:2]) / 2
    assert all(timing.ingest_s > 0 and timing.answer_s > 0 for timing in result.timings)


def test_a_reader_with_a_window_recalls_only_what_lies_in_it(haystacks, grep_reader):
    result = run_grid(grep_reader(window=2500), haystacks, progress=False)
    recall = {(cell.num_tokens, cell.depth): cell.recall.value for cell in result.cells}
    assert all(recall[400, depth] == 1 for depth in DEPTHS)
    assert all(recall[length, 1.0] == 1 for length in LENGTHS)
    assert recall[20_000, 0.0] == recall[20_000, 0.5] == recall[2000, 0.0] == 0


def test_a_run_killed_at_any_byte_ends_with_the_same_file(haystacks, grep_reader, tmp_path):
    whole = run_grid(grep_reader(window=2500), haystacks, out=tmp_path / "whole", progress=False)
    content = (tmp_path / "whole" / "answers.jsonl").read_bytes()
    timings = (tmp_path / "whole" / "timings.jsonl").read_bytes()
    lines = content.splitlines(keepends=True)
    for num_whole, rest in [(0, 0), (0, 10), (5, 0), (5, 1), (5, len(lines[5]) - 1), (18, 0)]:
        out = tmp_path / f"killed-{num_whole}-{rest}"
        out.mkdir()
        (out / "settings.json").write_bytes((tmp_path / "whole" / "settings.json").read_bytes())
        (out / "answers.jsonl").write_bytes(content[: sum(map(len, lines[:num_whole])) + rest])
        (out / "timings.jsonl").write_bytes(timings[:-7])
        reader = grep_reader(window=2500)
        resumed = run_grid(reader, iter(haystacks), out=out, progress=False)
        assert reader.num_asked == 18 - num_whole
        assert (out / "answers.jsonl").read_bytes() == content
        assert resumed.answers == whole.answers


def test_a_larger_grid_asks_only_what_is_new(haystacks, grep_reader, tmp_path):
    run_grid(grep_reader(), haystacks[:4], out=tmp_path, progress=False)
    reader = grep_reader()
    result = run_grid(reader, haystacks[2:8], out=tmp_path, progress=False)
    assert reader.num_asked == 4
    assert len(result.answers) == 6
    assert all(timing.answer_s > 0 for timing in result.timings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_new_tokens": 9}, "max_new_tokens: 16 there, 9 now.*give another folder"),
        ({"settings": {"model": "b"}}, "model: 'a' there, 'b' now"),
        ({"settings": {}}, "model: 'a' there, None now"),
    ],
)
def test_answers_under_other_settings_are_not_taken_over(haystacks, grep_reader, tmp_path, changes, message):
    arguments = {"out": tmp_path, "settings": {"model": "a"}, "progress": False}
    run_grid(grep_reader(), haystacks[:1], **arguments)
    before = (tmp_path / "answers.jsonl").read_bytes()
    with pytest.raises(ValueError, match=message):
        run_grid(grep_reader(), haystacks, **{**arguments, **changes})
    assert (tmp_path / "answers.jsonl").read_bytes() == before


def test_a_whole_line_that_is_no_answer_is_named(haystacks, grep_reader, tmp_path):
    run_grid(grep_reader(), haystacks[:1], out=tmp_path, progress=False)
    with (tmp_path / "answers.jsonl").open("a") as stream:
        stream.write('{"who": 1}\n')
    with pytest.raises(ValueError, match=r"answers.jsonl, line 2: is not an answer of this version .*'who'"):
        run_grid(grep_reader(), haystacks[:1], out=tmp_path, progress=False)


def test_progress_goes_to_stderr(haystacks, grep_reader, capsys):
    run_grid(grep_reader(), haystacks[:2])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "grep: 100%" in captured.err


def test_an_answer_of_no_tokens_is_refused(haystacks, grep_reader):
    with pytest.raises(ValueError, match="`max_new_tokens` must be at least 1, got 0"):
        run_grid(grep_reader(), haystacks, max_new_tokens=0)
