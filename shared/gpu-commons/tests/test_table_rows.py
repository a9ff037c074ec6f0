"""Rows keep their place, so that every message can name it."""

import json

import pyarrow
import pyarrow.parquet
import pytest

from gpu_commons.table_rows import read_rows, write_rows


def test_a_quoted_row_over_two_lines_is_placed_at_its_first(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('text,label\n"one\nand more",1\ntwo,0\n')
    assert [(row.number, row.values["text"]) for row in read_rows(path)] == [(2, "one\nand more"), (4, "two")]


def test_all_formats_give_the_same_rows(tmp_path):
    rows = [{"text": "fine, indeed", "label": "1"}, {"text": 'a "quoted" word', "label": "0"}]
    (tmp_path / "data.jsonl").write_text("\n\n".join(json.dumps(row) for row in rows))
    (tmp_path / "data.csv").write_text('text,label\n"fine, indeed",1\n"a ""quoted"" word",0\n')
    (tmp_path / "data.tsv").write_text(
        '\ufefftext\tlabel\nfine, indeed\t1\n\n"a ""quoted"" word"\t0\n', encoding="utf-8"
    )
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "data.parquet")
    for suffix in ("jsonl", "csv", "tsv", "parquet"):
        assert [row.values for row in read_rows(tmp_path / f"data.{suffix}")] == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.jsonl", b'{"text": "a"}\n{"text": \n', r"d\.jsonl, line 2: not JSON"),
        ("d.jsonl", b'{"text": "a"}\n\n[1]\n', r"d\.jsonl, line 3: holds a JSON list"),
        ("d.jsonl", b'{"text": "a"}\n{"text": "\xff"}\n', r"d\.jsonl, line 2: byte 11 is not UTF-8"),
        ("d.csv", b"text,label\na,1\nb,1,2\n", r"d\.csv, line 3: has 3 fields, but the header names 2 columns"),
        ("d.csv", b'text,label\na,1\n"b,1\n', r"d\.csv, line 3: .*unbalanced quotation mark"),
        ("d.jsonl", b'{"text": "a"}\n' + b"[" * 10**5, r"d\.jsonl, line 2: has a number too long or lists too deep"),
        ("d.jsonl", b'{"n": ' + b"9" * 5000 + b"}", r"d\.jsonl, line 1: has a number too long"),
        (
            "d.parquet",
            b"nothing of the kind",
            r"d\.parquet: is not a Parquet file, or a part of one; fetch or write it",
        ),
        ("d.xlsx", b"", r"end in \.jsonl, \.csv, \.tsv, \.parquet, not in '\.xlsx'"),
    ],
)
def test_an_unreadable_row_is_named_by_file_and_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(read_rows(path))


@pytest.mark.parametrize("damage", [lambda whole: whole[:-40], lambda whole: whole[:200] + bytes(200) + whole[400:]])
def test_a_damaged_parquet_file_is_named(tmp_path, damage):
    path = tmp_path / "d.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{"text": f"word {n}"} for n in range(1000)]), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"d\.parquet: .*; fetch or write it again"):
        list(read_rows(path))


def test_a_missing_file_is_named_with_its_full_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "none.csv")):
        list(read_rows(tmp_path / "none.csv"))


def test_a_missing_column_is_answered_with_the_nearest_name_but_not_with_text(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("txt,a whole sentence that is no column name\na,1\n")
    with pytest.raises(
        ValueError, match="line 2: there is no column 'text'; there are txt; did you mean 'txt'"
    ) as caught:
        next(read_rows(path)).text("text")
    assert "sentence" not in str(caught.value)


def test_written_rows_are_read_again_and_a_killed_run_leaves_the_former_file(tmp_path):
    path = write_rows([{"text": "one"}, {"text": "zwölf"}], tmp_path / "folder" / "rows.jsonl")
    assert [row.values for row in read_rows(path)] == [{"text": "one"}, {"text": "zwölf"}]

    def cut_short():
        yield {"text": "new"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(cut_short(), path)
    assert [row.text("text") for row in read_rows(path)] == ["one", "zwölf"]
    with pytest.raises(ValueError, match="written as .jsonl, not as '.csv'"):
        write_rows([], tmp_path / "rows.csv")
