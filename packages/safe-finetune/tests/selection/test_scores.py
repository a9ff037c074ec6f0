"""Scores meet rows by id, come back from files, and refuse rows that were not scored."""

import dataclasses

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from safe_finetune.rows import Message, rows_fingerprint
from safe_finetune.selection import SelectorScores


def scores_for(rows, logits, **metadata):
    return SelectorScores.of_one_pass([row.id for row in rows], logits, **metadata)


def test_selection_follows_ids_and_not_positions(make_rows):
    rows = make_rows(10)
    scores = scores_for(rows, np.arange(10.0), dataset_fingerprint=rows_fingerprint(rows))
    shuffled = [rows[index] for index in np.random.default_rng(0).permutation(10)]
    kept = scores.select(shuffled, keep_ratio=0.3)
    assert {row.id for row in kept} == {"row-7", "row-8", "row-9"}
    assert kept == [row for row in shuffled if row in kept]


def test_ids_survive_rows_that_length_dropped(make_rows, encode):
    rows = make_rows(12)
    rows[4] = dataclasses.replace(rows[4], messages=(Message("user", "a fox " * 40), rows[4].messages[1]))
    encoded = encode(rows, max_length=60, too_long="drop")
    assert encoded.dropped == ("row-4",)
    scores = scores_for([rows[int(name.split("-")[1])] for name in encoded.ids], [float(n[4:]) for n in encoded.ids])
    with pytest.raises(ValueError, match="1 of 12 rows have no score and 0 of 11 scores have no row"):
        scores.select(rows, keep_ratio=0.5)
    kept = scores.select(rows, keep_ratio=0.5, allow_subset=True)
    assert [row.id for row in kept] == [f"row-{number}" for number in range(7, 12)]


def test_equal_scores_keep_the_earlier_row(make_rows):
    rows = make_rows(4)
    assert scores_for(rows, [1.0, 1.0, 1.0, 2.0]).select(rows, keep_ratio=0.5) == [rows[0], rows[3]]


@pytest.mark.parametrize(("count", "ratio", "kept"), [(10, 0.8, 8), (10, 0.29, 2), (100, 0.29, 29), (3, 1.0, 3)])
def test_share_is_rounded_down(make_rows, count, ratio, kept):
    rows = make_rows(count)
    assert len(scores_for(rows, np.arange(float(count))).select(rows, keep_ratio=ratio)) == kept


def test_other_rows_are_refused(make_rows):
    rows = make_rows(4)
    scores = scores_for(rows, np.arange(4.0), dataset_fingerprint=rows_fingerprint(rows))
    with pytest.raises(ValueError, match="0 of 3 rows have no score and 1 of 4 scores have no row"):
        scores.select(rows[:3], keep_ratio=0.5)
    changed = [*rows[:3], dataclasses.replace(rows[3], messages=rows[0].messages)]
    with pytest.raises(ValueError, match="not the texts that were scored"):
        scores.select(changed, keep_ratio=0.5)
    assert len(scores.select(changed, keep_ratio=0.5, allow_subset=True)) == 2
    with pytest.raises(ValueError, match="none of the 2 rows"):
        scores.select(make_rows(2, "other"), keep_ratio=0.5, allow_subset=True)
    with pytest.raises(ValueError, match="`rows` must have unique ids"):
        scores.select([*rows, rows[0]], keep_ratio=0.5)
    with pytest.raises(ValueError, match=r"`keep_ratio` must be in \(0, 1\], got 0"):
        scores.select(rows, keep_ratio=0.0)


def test_rows_without_a_visit_are_told(make_rows):
    rows = make_rows(3)
    scores = dataclasses.replace(scores_for(rows, np.arange(3.0)), num_visits=np.array([1, 0, 2]))
    with pytest.warns(UserWarning, match="1 of 3 rows were never visited"):
        scores.select(rows, keep_ratio=0.5)


def test_files_bring_everything_back(make_rows, tmp_path):
    scores = scores_for(make_rows(3), [0.5, -1.25, 3.0], losses=[1.0, np.nan, 2.0], model="tiny", config={"seed": 1})
    again = SelectorScores.load(scores.save(tmp_path / "deep" / "scores.parquet"))
    assert (again.row_ids, again.metadata) == (scores.row_ids, scores.metadata)
    for name in ("logits", "weights", "last_losses", "num_visits", "last_visit_steps"):
        np.testing.assert_array_equal(getattr(again, name), getattr(scores, name))
        assert getattr(again, name).dtype == getattr(scores, name).dtype
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["scores.parquet"]


def test_files_that_are_no_scores(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    for name in ("other", "text"):
        with pytest.raises(ValueError, match="holds no scores"):
            SelectorScores.load(tmp_path / f"{name}.parquet")
    with pytest.raises(FileNotFoundError, match="no scores at"):
        SelectorScores.load(tmp_path / "none.parquet")


def test_a_full_disk_leaves_the_former_scores(make_rows, tmp_path, monkeypatch):
    path = scores_for(make_rows(2), [0.0, 1.0]).save(tmp_path / "scores.parquet")

    def full(table, file):
        file.write_bytes(b"a part")
        raise OSError("no space left")

    monkeypatch.setattr(pyarrow.parquet, "write_table", full)
    with pytest.raises(OSError, match="no space left"):
        scores_for(make_rows(2), [5.0, 6.0]).save(path)
    assert SelectorScores.load(path).logits.tolist() == [0.0, 1.0]
    assert list(tmp_path.iterdir()) == [path]


def test_scores_are_checked(make_rows, tmp_path):
    rows = make_rows(2)
    with pytest.raises(ValueError, match="1 come again"):
        SelectorScores.of_one_pass(["a", "a"], [0.0, 1.0])
    with pytest.raises(
        ValueError, match="`logits` must be finite; 1 are not, such as that of row 'row-1'; score the rows"
    ):
        scores_for(rows, [0.0, np.nan])
    with pytest.raises(ValueError, match=r"written as .parquet, not as '.csv'"):
        scores_for(rows, [0.0, 1.0]).save(tmp_path / "a.csv")
