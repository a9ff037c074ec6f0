"""Every layout is read, ids stay with rows, and errors name places and no texts."""

import csv
import json
import sys
import types

import pyarrow
import pyarrow.parquet
import pytest

from safe_finetune.rows import Message, Row, load_rows, load_safe_rows, rows_fingerprint

ASKED = (Message("user", "name a colour"), Message("assistant", "red"))
HH = "\n\nHuman: name a colour\n\nAssistant: {}"
LAYOUTS = {
    "messages": {"messages": [{"role": "user", "content": "name a colour"}, {"role": "assistant", "content": "red"}]},
    "completion": {"prompt": "name a colour", "completion": "red"},
    "response": {"prompt": "name a colour", "response": "red"},
    "message lists": {
        "prompt": [{"role": "user", "content": "name a colour"}],
        "completion": [{"role": "assistant", "content": "red"}],
    },
    "alpaca": {"instruction": "name a colour", "input": "", "output": "red"},
    "orca": {"system_prompt": "", "question": "name a colour", "response": "red"},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "name a colour"}, {"from": "gpt", "value": "red"}],
    },
    "preference lists": {
        who: [{"role": "user", "content": "name a colour"}, {"role": "assistant", "content": answer}]
        for who, answer in (("chosen", "red"), ("rejected", "seven"))
    },
    "preference lists beside a prompt": {
        "prompt": [{"role": "user", "content": "name a colour"}],
        "chosen": [{"role": "assistant", "content": "red"}],
        "rejected": [{"role": "assistant", "content": "seven"}],
    },
    "preference": {"prompt": "name a colour", "chosen": "red", "rejected": "seven"},
    "hh": {"chosen": HH.format("red"), "rejected": HH.format("seven")},
    "beavertails": {"prompt": "name a colour", "response": "red", "is_safe": True, "category": {"a": False}},
}
PREFERENCES = ("preference", "hh", "preference lists", "preference lists beside a prompt")


def cells(record):
    """What a table without lists and objects has in their place."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in record.items()}


def write_csv(records, path, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, records[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(map(cells, records))


def write_jsonl(records, path):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


WRITERS = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "tsv": lambda records, path: write_csv(records, path, "\t"),
    "parquet": lambda records, path: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path),
}


def written(folder, *records, name="rows.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.mark.parametrize("kind", [*WRITERS, "hub"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_conversation_from_every_source(layout, kind, tmp_path, monkeypatch):
    if kind == "hub":
        hub = types.SimpleNamespace(load_dataset=lambda name, split: [LAYOUTS[layout]])
        monkeypatch.setitem(sys.modules, "datasets", hub)
        source, place = "someone/some-rows", "someone/some-rows, row 1"
    else:
        source = tmp_path / f"rows.{kind}"
        WRITERS[kind]([LAYOUTS[layout]], source)
        place = f"{source}, " + {"jsonl": "line 1", "parquet": "row 1"}.get(kind, "line 2")
    (row,) = load_rows(source)
    assert row.messages == ASKED
    assert row.place == place
    assert row.is_safe == (True if layout == "beavertails" else None)
    rejected = (ASKED[0], Message("assistant", "seven"))
    assert row.rejected == (rejected if layout in PREFERENCES else None)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_without_its_response_is_refused_from_every_file(layout, kind, tmp_path):
    record = json.loads(json.dumps(LAYOUTS[layout]).replace("red", " "))
    path = tmp_path / f"rows.{kind}"
    WRITERS[kind]([LAYOUTS[layout], record], path)
    in_table = 3 + "".join(cells(LAYOUTS[layout]).values()).count("\n")  # a quoted text may span lines
    row = {"jsonl": "line 2", "parquet": "row 2"}.get(kind, f"line {in_table}")
    with pytest.raises(ValueError, match=rf"rows.{kind}, {row}: .*is empty; .*fill or delete the row"):
        load_rows(path)


def test_a_text_that_only_looks_like_messages_stays_a_text(tmp_path):
    record = {"prompt": '["a", "b"]', "response": '[{"colour": 1}]'}
    write_csv([record], tmp_path / "rows.csv")
    (row,) = load_rows(tmp_path / "rows.csv")
    assert [message.content for message in row.messages] == list(record.values())
    said = json.dumps(LAYOUTS["messages"]["messages"])
    assert load_rows([{"prompt": said, "response": said}])[0].messages[0].content == said


def test_inputs_systems_and_turns_are_kept():
    hh = "\n\nHuman: one\n\nAssistant: two\n\nHuman: three\n\nfour\n\nAssistant: five"
    rows = load_rows(
        [
            {"instruction": "add", "input": "1 and 2", "output": "3"},
            {"system_prompt": "be short", "question": "why", "response": "so"},
            {"chosen": hh, "rejected": hh + "!"},
        ]
    )
    assert [message.content for message in rows[0].messages] == ["add\n\n1 and 2", "3"]
    assert rows[1].messages[0] == Message("system", "be short")
    assert [message.role for message in rows[2].messages] == ["user", "assistant"] * 2
    assert rows[2].messages[2].content == "three\n\nfour"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_read_as_lines_do(kind, tmp_path):
    records = [{"prompt": f"q{n}", "response": f"a{n}", "is_safe": n == 0, "weight": n + 0.5} for n in range(2)]
    path = tmp_path / f"rows.{kind}"
    WRITERS[kind](records, path)
    found = load_rows(path)
    assert rows_fingerprint(found) == rows_fingerprint(load_rows(records))
    assert [(row.is_safe, row.weight) for row in found] == [(True, 0.5), (False, 1.5)]


def test_csv_cells_may_hold_messages_as_json(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["messages"], [json.dumps(LAYOUTS["messages"]["messages"])]])
    assert load_rows(path)[0].messages == ASKED


def test_ids_follow_the_content_and_copies_are_told_apart(tmp_path):
    first, second = {"prompt": "a", "response": "b"}, {"prompt": "c", "response": "d"}
    one = load_rows(written(tmp_path, first, second, first))
    other = load_rows([second, first])
    assert [row.id for row in one] == [other[1].id, other[0].id, f"{other[1].id}-2"]
    assert [row.id for row in load_rows([{**first, "id": 7}, second])] == ["7", other[0].id]


def test_two_rows_of_one_id_are_refused_with_both_places(tmp_path):
    path = written(tmp_path, *({"id": "x", "prompt": str(n), "response": "b"} for n in range(3)))
    with pytest.raises(ValueError, match=r"rows.jsonl, line 2: has the id of .*rows.jsonl, line 1"):
        load_rows(path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "a secret", "label": 1}, r"columns found \(text, label\)"),
        ({"prompt": "a secret", "response": " "}, "'response' is empty"),
        ({"messages": [{"role": "user", "content": "a secret"}]}, "last message must be the assistant's"),
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": ""}]}, "response is empty"),
        ({"messages": [{"role": "assistant", "content": "a secret"}]}, "no prompt"),
        ({"messages": [{"role": "user", "text": "a secret"}]}, "message 1 of column 'messages' is wrong"),
        ({"conversations": [{"from": "a secret", "value": "b"}]}, "is from nobody known"),
        ({"chosen": "a secret", "rejected": "b"}, 'must begin with "Human:"'),
        ({"prompt": "a secret", "response": "b", "is_safe": "perhaps"}, "`is_safe` must be true"),
        ({"prompt": "a secret", "response": "b", "weight": -2}, "`weight` must be"),
        ({"prompt": "a secret", "response": "b", "weight": float("nan")}, "`weight` must be"),
        ({"messages": '[{"role": "a secret"'}, "column 'messages' must hold a list"),
        ({"prompt": "a secret", "response": "b\ud800"}, "message 2 has half of a surrogate pair"),
        ({"chosen": HH.format("b"), "rejected": HH.format("")}, "response is empty; fill or delete"),
    ],
)
def test_errors_name_the_line_and_not_the_text(record, message, tmp_path):
    path = written(tmp_path, LAYOUTS["response"], record)
    with pytest.raises(ValueError, match=message) as caught:
        load_rows(path)
    assert f"{path}, line 2" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_sources_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no file at"):
        load_rows(tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="there are no rows; give at least one"):
        load_rows(written(tmp_path))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImportError, match="pip install 'datasets"):
        load_rows("someone/some-rows")


def test_rows_labelled_unsafe_are_not_trusted(tmp_path, caplog):
    records = [{"prompt": f"q{n}", "response": "a", "is_safe": n > 0} for n in range(3)]
    path = written(tmp_path, *records)
    assert [row.messages[0].content for row in load_safe_rows(path)] == ["q1", "q2"]
    assert f"{path}: 1 of 3 rows are labelled unsafe and left out" in caplog.text
    assert len(load_safe_rows([LAYOUTS["response"]])) == 1
    with pytest.raises(ValueError, match="the data: all 1 rows are labelled unsafe; give some that are safe"):
        load_safe_rows(records[:1])


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ((), "f, line 1: the last message must be the assistant's"),
        ((ASKED[0], Message("assistant", " ")), "f, line 1: the response is empty; fill or delete the row"),
        (ASKED[1:], "f, line 1: there is a response but no prompt; give one"),
    ],
)
def test_rows_made_by_hand_are_checked_too(messages, message):
    with pytest.raises(ValueError, match=message):
        Row(id="x", messages=messages, place="f, line 1")


def test_hub_rows_are_read_by_datasets(monkeypatch):
    class Datasets:
        @staticmethod
        def load_dataset(name, split):
            assert (name, split) == ("someone/some-rows", "test")
            return [LAYOUTS["response"], {"prompt": "x", "response": ""}]

    monkeypatch.setitem(sys.modules, "datasets", Datasets)
    with pytest.raises(ValueError, match="someone/some-rows, row 2: .*empty"):
        load_rows("someone/some-rows", split="test")
