"""The command measures, writes its files, and stops a pipeline where a limit is missed."""

import json

import pytest

from gpu_commons.table_rows import write_rows
from safe_finetune.cli import main
from safe_finetune.evaluation import SafetyReport


@pytest.fixture
def arguments(tmp_path, make_model, tokenizer, prompts, make_rows):
    make_model().save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    rows = [{"prompt": prompt.text, "kind": prompt.kind, "answer": prompt.answer} for prompt in prompts]
    write_rows(rows[:5], tmp_path / "some.jsonl")
    write_rows(rows[4:], tmp_path / "more.jsonl")
    write_rows((row.as_record() for row in make_rows(4)), tmp_path / "rows.jsonl")
    files = json.dumps([str(tmp_path / "some.jsonl"), str(tmp_path / "more.jsonl")])
    quick = ["--max_new_tokens", "3", "--device", "cpu", "--dtype", "float32", "--out", str(tmp_path / "out")]
    return ["evaluate", "--model", str(tmp_path / "model"), "--prompts", files, *quick]


def test_the_command_writes_its_files_and_says_the_rates(arguments, tmp_path, capsys, prompts):
    judge = {"model": str(tmp_path / "model"), "says": "harm", "question": "is this bad? {response}"}
    more = ["--judges", json.dumps([judge]), "--rows", str(tmp_path / "rows.jsonl"), "--json", "true"]
    assert main([*arguments, *more]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {rate["metric"] for rate in said["rates"]} == {"refusal", "over-refusal", "harm", "accuracy"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "answers.jsonl", "report.json", "report.md", "lm_eval.json",
    }  # fmt: skip
    report = SafetyReport.from_json(tmp_path / "out" / "report.json")
    assert len(report.answers) == len(prompts)
    assert report.loss.rows == 4


def test_judges_may_stand_in_a_file(arguments, tmp_path):
    config = tmp_path / "judges.yaml"
    config.write_text(
        f"judges:\n  - {{model: {tmp_path / 'model'}, says: refusal, question: 'is this a no? {{response}}'}}\n"
    )
    assert main([*arguments[:1], "--config", str(config), *arguments[1:]]) == 0
    report = SafetyReport.from_json(tmp_path / "out" / "report.json")
    assert list(report.judges.values()) == ["refusal", "refusal"]
    assert [pair.total for pair in report.agreements()] == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (["--min_refusal", "0.0"], 0),
        (["--min_refusal", "0.8", "--max_over_refusal", "0.15"], 3),
        (["--min_accuracy", "1"], 3),
    ],
)
def test_a_missed_limit_is_exit_code_3(arguments, limits, code, capsys, tmp_path):
    assert main([*arguments, *limits]) == code
    said = capsys.readouterr()
    assert "| harmful | refusal | refusal-matcher | 0/3 |" in said.out
    assert ("below" in said.err) == (code == 3)
    assert (tmp_path / "out" / "report.json").exists()


def test_parts_and_draws_choose_prompts(arguments, tmp_path, prompts):
    ids = {}
    for part in ("development", "test"):
        out = ["--out", str(tmp_path / part), "--part", part, "--per_kind", "2"]
        assert main([*arguments, *out]) == 0
        report = SafetyReport.from_json(tmp_path / part / "report.json")
        ids[part] = {answer.id for answer in report.answers}
    assert not ids["development"] & ids["test"]
    assert ids["development"] | ids["test"] <= {prompt.id for prompt in prompts}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--prompts", "advbensch"], "did you mean 'advbench'"),
        (["--min_refusal", "80"], "`min_refusal` must lie in [0, 1], got 80.0"),
        (["--per_kind", "0"], "`per_kind` must be at least 1, got 0"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, more, message, capsys, tmp_path):
    assert main([*arguments, *more]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
