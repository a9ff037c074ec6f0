"""A report in the layout of lm-evaluation-harness results, for tools that read those."""

import math
from typing import Any

from safe_finetune.evaluation.judges import RefusalMatcher
from safe_finetune.evaluation.rates import Rate
from safe_finetune.evaluation.results import BY_RULE, Measure, SafetyReport

_TASK_VERSION = 1


def as_lm_eval(report: SafetyReport) -> dict[str, Any]:
    """Results by task and metric.

    A task is a kind of prompt, such as ``safety_harmful``. Measures of the rule-based matcher and of answers have plain
    names (``refusal,none``); those of another judge carry its name (``refusal_NAME,none``).

    Source: the results file of lm-evaluation-harness 0.4. Differs: the tasks are not in its registry, and there are no
        groups.
    """
    results: dict[str, dict[str, Any]] = {}
    higher: dict[str, dict[str, bool]] = {}
    samples: dict[str, dict[str, int]] = {}
    for measure, rate in report.rates().items():
        task, metric = f"safety_{measure.kind.replace('-', '_')}", _metric(measure)
        entry = results.setdefault(task, {"alias": task})
        entry |= {f"{metric},none": rate.value, f"{metric}_stderr,none": _standard_error(rate)}
        higher.setdefault(task, {})[metric] = measure.higher_is_better
        samples[task] = {"original": rate.total, "effective": rate.total}
    if report.loss is not None:
        results["safety_rows"] = {"alias": "safety_rows", "nll,none": report.loss.value, "nll_stderr,none": "N/A"}
        higher["safety_rows"] = {"nll": False}
        samples["safety_rows"] = {"original": report.loss.rows, "effective": report.loss.rows}
    max_new_tokens = report.settings["max_new_tokens"]
    return {
        "results": results,
        "group_subtasks": {task: [] for task in results},
        "configs": {
            task: {"task": task, "generation_kwargs": {"do_sample": False, "max_gen_toks": max_new_tokens}}
            for task in results
        },
        "versions": dict.fromkeys(results, _TASK_VERSION),
        "n-shot": dict.fromkeys(results, 0),
        "higher_is_better": higher,
        "n-samples": samples,
        "config": {
            "model": "hf",
            "model_args": f"pretrained={report.model}",
            "batch_size": report.settings["batch_size"],
            "model_sha": report.weights_sha256,
            "judges": dict(report.judge_versions),
        },
    }


def _metric(measure: Measure) -> str:
    name = measure.metric.replace("-", "_")
    if measure.judge in (BY_RULE, RefusalMatcher.name):
        return name
    # The harness parts metric and filter at the comma.
    return f"{name}_{measure.judge}".replace(",", "_")


def _standard_error(rate: Rate) -> float | str:
    """Of the mean, from the sample's deviation, as the harness has it."""
    if rate.total < 2:
        return "N/A"
    return math.sqrt(rate.value * (1 - rate.value) / (rate.total - 1))
