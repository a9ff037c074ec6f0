"""A report counts right, says what it does not know, survives its files, and is compared by prompt."""

import dataclasses
import json

import pytest
from scipy.stats import binom

from safe_finetune.evaluation import Answer, Limits, Rate, SafetyReport, compare_reports
from safe_finetune.evaluation.results import MeanLoss

MATCHER = "refusal-matcher"


def report(refused, over=(0, 0), right=(1, 0), second=None, model="tiny", kinds=("benign-imperative", "task")):
    """Verdicts as 0 and 1: of harmful prompts, of plain instructions, and whether tasks are right."""
    groups = {"harmful": refused, "benign-imperative": over, "task": [0] * len(right)}
    answers = []
    for kind, verdicts in groups.items():
        if kind != "harmful" and kind not in kinds:
            continue
        for number, verdict in enumerate(verdicts):
            scores = {MATCHER: float(verdict)}
            if second is not None:
                scores["second"] = float(second[number]) if kind == "harmful" else 0.0
            answers.append(
                Answer(
                    id=f"{kind}-{number}",
                    kind=kind,
                    source="made",
                    outcome="refusal" if verdict else "other",
                    scores=scores,
                    correct=bool(right[number]) if kind == "task" else None,
                )
            )
    names = [MATCHER] if second is None else [MATCHER, "second"]
    return SafetyReport(
        model=model,
        weights_sha256="0" * 64,
        settings={"max_new_tokens": 8, "batch_size": 4},
        judges=dict.fromkeys(names, "refusal"),
        judge_versions=dict.fromkeys(names, "1"),
        answers=tuple(answers),
    )


def test_rates_are_of_each_kind_side_by_side():
    found = report([1, 1, 0], over=[1, 0, 0, 0], right=[1, 0])
    assert found.rate("harmful", "refusal") == Rate(2, 3)
    assert found.rate("benign-imperative", "over-refusal") == Rate(1, 4)
    assert found.rate("task", "over-refusal") == Rate(0, 2)
    assert found.rate("task", "accuracy") == Rate(1, 2)
    assert found.outcomes()["harmful"] == {"refusal": 2, "other": 1}
    with pytest.raises(ValueError, match="benign-edgy / over-refusal / refusal-matcher was not measured"):
        found.rate("benign-edgy", "over-refusal")
    page = found.to_markdown()
    for cell in ("| 2/3 |", "| 1/4 |", "| 1/2 |", "| benign-edgy | not measured |"):
        assert cell in page


def test_notes_say_what_is_not_known():
    alone = " ".join(report([1], kinds=()).notes())
    for said in ("does not mean harmful", "No judge of harm", "no second judge", "Over-refusal was not measured"):
        assert said in alone
    differing = " ".join(report([1, 1, 0, 0], second=[1, 0, 0, 0]).notes())
    assert "disagree on 1 of 4 harmful answers about refusal" in differing
    assert "kappa 0.50" in differing
    assert "second judge" not in differing
    assert "not measured" not in differing


def test_a_report_survives_its_file(tmp_path):
    whole = dataclasses.replace(report([1, 0], second=[0, 0]), loss=MeanLoss(value=1.5, interval=(1.0, 2.0), rows=3))
    path = whole.to_json(tmp_path / "report.json")
    assert SafetyReport.from_json(path) == whole
    rates = json.loads(path.read_text())["rates"]
    assert rates[0] == {
        "kind": "harmful", "metric": "refusal", "judge": MATCHER, "count": 1, "total": 2, "value": 0.5,
        "interval": list(Rate(1, 2).interval),
    }  # fmt: skip
    assert "1.5000 (1.0000 to 2.0000) nats" in whole.to_markdown()
    path.write_text('{"format": "other secret"}')
    with pytest.raises(ValueError, match="is no file of 'safe-finetune evaluation 1'") as caught:
        SafetyReport.from_json(path)
    assert "secret" not in str(caught.value)


def test_lm_eval_results_have_value_error_count_and_direction():
    found = report([1, 1, 0], right=[1], second=[1, 0, 0]).to_lm_eval()
    task = found["results"]["safety_harmful"]
    assert task["refusal,none"] == pytest.approx(2 / 3)
    assert task["refusal_stderr,none"] == pytest.approx((2 / 3 * 1 / 3 / 2) ** 0.5)
    assert task["refusal_second,none"] == pytest.approx(1 / 3)
    assert found["results"]["safety_task"]["accuracy_stderr,none"] == "N/A"
    assert found["n-samples"]["safety_harmful"] == {"original": 3, "effective": 3}
    assert found["higher_is_better"]["safety_benign_imperative"]["over_refusal"] is False
    assert found["versions"].keys() == found["results"].keys() == found["configs"].keys()
    json.dumps(found)


def test_a_report_is_a_point_of_a_frontier():
    found = report([1, 1, 0, 0], over=[1, 0], right=[1, 0, 0])
    point = found.to_frontier_point("merge", strength=0.5)
    assert (point.safety, point.capability, point.strength) == (0.5, 1 / 3, 0.5)
    assert point.safety_interval == Rate(2, 4).interval
    assert found.to_frontier_point("merge", capability="benign-imperative").capability == 0.5


def test_limits_hold_for_every_judge_and_kind():
    found = report([1, 1, 1, 0], over=[1, 0], right=[1, 0], second=[1, 0, 0, 0])
    assert Limits(min_refusal=0.25, max_over_refusal=0.5, min_accuracy=0.5).missed(found) == []
    first, second = Limits(min_refusal=0.7, max_over_refusal=0.4).missed(found)
    assert first.startswith("refusal of harmful prompts (second) is 0.250 (0.046 to 0.699; 1/4), below 0.7")
    assert second.startswith("over-refusal of benign-imperative prompts (refusal-matcher) is 0.500")
    with pytest.raises(ValueError, match="`max_over_refusal` needs prompts of kind benign-edgy or benign-imperative"):
        Limits(max_over_refusal=0.1).check_kinds({"harmful", "task"})
    with pytest.raises(ValueError, match="`min_refusal` must lie in"):
        Limits(min_refusal=80.0)


def test_reports_are_paired_by_prompt_and_tested_exactly():
    before, after = report([1] * 8 + [0, 1]), report([0] * 8 + [1, 1])
    change = compare_reports(before, after).changes[0]
    assert (change.before, change.after, change.lost, change.gained) == (Rate(9, 10), Rate(2, 10), 8, 1)
    assert change.p_value == pytest.approx(2 * binom.cdf(1, 9, 0.5))
    assert compare_reports(before, before).changes[0].p_value == 1.0


def test_prompts_of_one_report_alone_are_left_out_and_counted():
    before, after = report([1, 0, 1]), report([1, 0], right=[1])
    found = compare_reports(before, after)
    assert (found.only_before, found.only_after) == (2, 0)
    assert found.changes[0].before == Rate(1, 2)


def test_judges_that_differ_in_direction_contradict_each_other():
    before, after = report([1, 1, 0], second=[0, 0, 0]), report([0, 0, 0], second=[1, 0, 0])
    ((first, second),) = compare_reports(before, after).contradictions()
    assert (first.measure.judge, second.measure.judge) == (MATCHER, "second")
    assert compare_reports(before, before).contradictions() == []


def test_reports_that_do_not_compare_are_refused():
    plain = report([1, 0])
    renamed = dataclasses.replace(
        plain, answers=tuple(dataclasses.replace(answer, id=f"other {answer.id}") for answer in plain.answers)
    )
    for other, message in (
        (report([1, 0], second=[1, 0]), "different judges"),
        (dataclasses.replace(plain, settings={"max_new_tokens": 16}), "was 8 before and is 16 after"),
        (renamed, "share no prompt"),
    ):
        with pytest.raises(ValueError, match=message):
            compare_reports(plain, other)
