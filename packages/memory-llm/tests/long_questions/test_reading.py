"""Published layouts are read from files, folders, archives and the hub; what cannot be read is named with its place."""

import json
import zipfile

import pytest

from memory_llm.haystack import make_haystack, passkey, write_haystacks
from memory_llm.long_questions import LongQuestion, level_of, read_questions, write_questions
from memory_llm.long_questions.origin import Origin
from memory_llm.long_questions.question import level_order

LV_EVAL = {
    "input": "Who ate the chocolate?",
    "context": "Ludwig ate it. " * 3,
    "answers": ["Ludwig Beethoven", "nobody"],
    "length": 15500,
    "dataset": "factrecall_en",
    "language": "en",
    "answer_keywords": "Ludwig",
    "confusing_facts": ["Someone drank it."],
}
LONGBENCH = {
    "input": "what type?",
    "context": "a text",
    "answers": ["City"],
    "length": 4100,
    "dataset": "trec",
    "language": "en",
    "all_classes": ["City", "Person"],
    "_id": "f00",
}
CHOICE = {
    "_id": "c1",
    "domain": "d",
    "difficulty": "easy",
    "length": "medium",
    "question": "Which?",
    **{f"choice_{letter}": f"option {letter}" for letter in "ABCD"},
    "answer": "C",
    "context": "words of a text",
}
LOOGLE = {
    "input": "a long document",
    "title": "T",
    "qa_pairs": str([{"Q": "Who's it?", "A": "Picardo", "S": ["x"]}, {"Q": "When?", "A": "1919", "S": ["y"]}]),
    "output": "none",
}
RULER = {
    "index": 0,
    "input": "Memorize this.\nA magic number for fox is: 12.\nWhat is the magic number for fox?",
    "outputs": ["12"],
    "length": 4001,
    "answer_prefix": " The magic number for fox is",
}


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_lv_eval_takes_the_level_from_names_and_the_first_answer(tmp_path):
    rows = [LV_EVAL, {**LV_EVAL, "dataset": "cmrc_mixup_64k", "answer_keywords": ""}]
    first, second = read_questions(write(tmp_path / "factrecall_en_16k.jsonl", *rows))
    assert (first.task, first.level, first.length) == ("factrecall_en", "16k", 15500)
    assert (first.answers, first.answer_keywords) == (("Ludwig Beethoven",), "Ludwig")
    assert (second.task, second.level, second.answer_keywords) == ("cmrc_mixup", "64k", "")
    assert first.context is second.context


def test_longbench_has_classes_levels_and_tasks_that_ask_by_themselves(tmp_path):
    count = {**LONGBENCH, "dataset": "passage_count", "input": "", "answers": ["3"], "_id": "f01", "length": 9000}
    first, second = read_questions(write(tmp_path / "trec_e.jsonl", LONGBENCH, count))
    assert (first.id, first.task, first.level, first.classes) == ("f00", "trec", "4-8k", ("City", "Person"))
    assert (second.level, second.question) == (
        "8k+",
        "How many different paragraphs are there, if duplicates count once?",
    )


def test_longbench_v2_puts_choices_into_the_question(tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps([CHOICE]))
    (found,) = read_questions(path)
    assert (found.task, found.level, found.answers, found.length) == ("longbench_v2", "medium", ("C",), 4)
    assert found.question.splitlines() == ["Which?", *(f"({letter}) option {letter}" for letter in "ABCD")]
    path.write_text(json.dumps([{**CHOICE, "answer": "E"}]))
    with pytest.raises(ValueError, match=r"record 1: `answer` must be one of A, B, C and D, got 'E'"):
        read_questions(path)


def test_loogle_is_read_in_both_layouts_with_pairs_as_text_or_list(tmp_path):
    pairs = {**LOOGLE, "qa_pairs": [{"Q": "Where?", "A": "Jerez"}]}
    summary = {**LOOGLE, "qa_pairs": "none", "output": "It is about him."}
    newer = {"context": "a long document", "question": "Why?", "answer": "Because.", "title": "T", "evidence": "[]"}
    found = read_questions(write(tmp_path / "shortdep_qa" / "test.jsonl", LOOGLE, pairs, newer))
    assert [(one.question, one.answers[0]) for one in found] == [
        ("Who's it?", "Picardo"),
        ("When?", "1919"),
        ("Where?", "Jerez"),
        ("Why?", "Because."),
    ]
    assert {one.task for one in found} == {"shortdep_qa"}
    assert len({id(one.context) for one in found}) == 1
    (only,) = read_questions(write(tmp_path / "longdep_summarization.jsonl", summary))
    assert (only.question, only.answers) == ("Write a summary of one page.", ("It is about him.",))
    for change, message in (
        ({"qa_pairs": "[{'Q':"}, "line 1: `qa_pairs` is a text that is not a list"),
        ({"qa_pairs": [{"Q": "x"}]}, "line 1: `qa_pairs` must be a list of objects with Q and A"),
        ({"qa_pairs": [{"Q": "x", "A": {"<mask-0>": "y"}}]}, "the answer to question 0 is not a text .a dict.; cloze"),
    ):
        with pytest.raises(ValueError, match=message):
            read_questions(write(tmp_path / "shortdep_qa.jsonl", {**LOOGLE, **change}))


def test_ruler_asks_in_the_last_line_and_is_named_by_its_folder(tmp_path):
    (found,) = read_questions(write(tmp_path / "niah_multikey_1" / "validation.jsonl", RULER))
    assert (found.task, found.level, found.answers) == ("niah_multikey_1", "4k", ("12",))
    assert found.context == "Memorize this.\nA magic number for fox is: 12."
    assert (found.question, found.cue) == ("What is the magic number for fox?", "The magic number for fox is")
    qa = {**RULER, "input": "Answer.\n\nDocuments\n\nQuestion: Who?", "answer_prefix": " Answer:"}
    (found,) = read_questions(write(tmp_path / "qa_1" / "validation.jsonl", qa))
    assert (found.question, found.cue) == ("Who?", "")
    with pytest.raises(ValueError, match="line 1: `input` is a single line"):
        read_questions(write(tmp_path / "vt" / "validation.jsonl", {**RULER, "input": "one line"}))


def test_our_haystacks_and_rows_survive_a_file(tmp_path, tokenizer, question):
    import numpy as np

    hidden = passkey(np.random.default_rng(0))
    made = make_haystack("The fox sleeps. The dog reads. " * 40, tokenizer, 200, 0.5, hidden, 0)
    (found,) = read_questions(write_haystacks([made], tmp_path / "needles.jsonl"))
    assert (found.task, found.level, found.context, found.cue) == ("needle", "1k", made.text, "The pass key is")
    ours = [question("a", "b", id="x", cue="It is", classes=("a", "c")), question("c", id="y", answer_keywords="k")]
    assert read_questions(write_questions(ours, tmp_path / "ours.jsonl")) == ours


def test_a_folder_an_archive_and_the_hub_give_the_same(tmp_path, monkeypatch):
    folder = tmp_path / "LVEval"
    for task in ("factrecall_en", "loogle_SD_mixup"):
        for level in ("16k", "32k"):
            row = {**LV_EVAL, "dataset": task, "context": f"{task} {level}"}
            path = write(folder / task / f"{task}_{level}.jsonl", row)
    whole = read_questions(folder)
    assert [(one.task, one.level) for one in whole] == [
        (task, level) for task in ("factrecall_en", "loogle_SD_mixup") for level in ("16k", "32k")
    ]
    hub = tmp_path / "hub"
    hub.mkdir()
    for task in ("factrecall_en", "loogle_SD_mixup"):
        with zipfile.ZipFile(hub / f"{task}.zip", "w") as archive:
            for path in sorted((folder / task).iterdir()):
                archive.write(path, f"{task}/{path.name}")
                archive.writestr(f"__MACOSX/{task}/._{path.name}", b"\0\0")
    assert read_questions(hub) == whole
    downloaded = []

    class Api:
        def list_repo_files(self, repository, *, repo_type):
            assert (repository, repo_type) == ("Infinigence/LVEval", "dataset")
            return ["README.md", "LVEval.py", "dataset_infos.json", *(path.name for path in hub.iterdir())]

    def download(repository, name, *, repo_type):
        downloaded.append(name)
        return str(hub / name)

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    found = read_questions("Infinigence/LVEval", tasks=["factrecall_en"], levels=["32k"])
    assert found == [one for one in whole if (one.task, one.level) == ("factrecall_en", "32k")]
    assert downloaded == ["factrecall_en.zip"]
    with pytest.raises(ValueError, match="it has the tasks factrecall_en and the lengths 16k, 32k"):
        read_questions(hub / "factrecall_en.zip", levels=["256k"])


def test_what_cannot_be_read_says_so(tmp_path, monkeypatch):
    path = write(tmp_path / "x.jsonl", {"prompt": "a", "text": "b"})
    with pytest.raises(ValueError, match=r"line 1: the columns prompt, text show no known layout; known are haystack"):
        read_questions(path)
    with pytest.raises(ValueError, match="did you mean 'ruler'"):
        read_questions(path, layout="rulers")
    with pytest.raises(FileNotFoundError, match="no file and no folder at"):
        read_questions(tmp_path / "none" / "deeper")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no file of questions in"):
        read_questions(tmp_path / "empty")
    (tmp_path / "bad.zip").write_bytes(b"no")
    with pytest.raises(ValueError, match="is not a .zip archive"):
        read_questions(tmp_path / "bad.zip")
    for change, message in (
        ({"answers": []}, "line 1: `answers` holds no answer"),
        ({"length": "long"}, "line 1: `length` must be a whole number, got 'long'"),
        ({"input": ""}, "line 1: there is no question, and the task 'factrecall_en' does not say"),
    ):
        with pytest.raises(ValueError, match=message):
            read_questions(write(tmp_path / "factrecall_en_16k.jsonl", {**LV_EVAL, **change}))
    with pytest.raises(ValueError, match="is no path here, and the hub cannot be reached"):
        read_questions("nobody/nothing")


def test_names_and_lengths_have_their_levels():
    assert Origin.of("LVEval/factrecall_en/factrecall_en_256k.jsonl") == Origin("factrecall_en_256k")
    assert (Origin("factrecall_en_256k").task, Origin("factrecall_en_256k").level) == ("factrecall_en", "256k")
    assert Origin.of("LooGLE/shortdep_qa/test-00000-of-00001.parquet").task == "shortdep_qa"
    assert Origin.of("data/hotpotqa_e.jsonl").task == "hotpotqa"
    assert Origin.of("data.json").name == "data"
    assert [level_of(length) for length in (1, 1024, 1025, 131072)] == ["1k", "1k", "2k", "128k"]
    levels = ["long", "128k", "8k+", "short", "0-4k", "4-8k", "16k", "medium"]
    assert sorted(levels, key=level_order) == ["0-4k", "4-8k", "8k+", "16k", "128k", "short", "medium", "long"]


def test_questions_with_the_same_id_are_kept_apart(tmp_path):
    rows = [{"id": "a", "context": "x", "question": q, "answer": "y"} for q in ("one?", "two?")]
    found = read_questions(write(tmp_path / "rows.jsonl", *rows))
    assert [one.question for one in found] == ["one?", "two?"]
    assert len({one.id for one in found}) == 2
    assert all(isinstance(one, LongQuestion) for one in found)
