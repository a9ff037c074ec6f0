"""Prompts that task and safety rows share with different answers: there no constraint can save both."""

import logging

from safe_finetune.rows.encoded_rows import EncodedRows

logger = logging.getLogger(__name__)
_TOLERATED, _SHOWN = 0.05, 5


def conflicting_rows(task: EncodedRows, safety: EncodedRows) -> list[tuple[str, str]]:
    """Ids of task and safety rows with the same prompt and another response."""
    answers: dict[tuple[int, ...], list[int]] = {}
    for index in range(len(safety)):
        answers.setdefault(_prompt(safety, index), []).append(index)
    return [
        (task.ids[index], safety.ids[other])
        for index in range(len(task))
        for other in answers.get(_prompt(task, index), [])
        if task.token_ids[index] != safety.token_ids[other]
    ]


def warn_of_conflicts(task: EncodedRows, safety: EncodedRows) -> None:
    """Log a warning if more than a twentieth of the safety rows are contradicted."""
    conflicts = conflicting_rows(task, safety)
    contradicted = {other for _, other in conflicts}
    if len(contradicted) > _TOLERATED * len(safety):
        logger.warning(
            "%d of %d safety rows have the prompt of a task row that is answered otherwise, such as %s: for these, "
            "safety and task exclude each other.",
            len(contradicted),
            len(safety),
            ", ".join(f"{safe} against {one}" for one, safe in conflicts[:_SHOWN]),
        )


def _prompt(rows: EncodedRows, index: int) -> tuple[int, ...]:
    return tuple(rows.token_ids[index][: rows.prompt_lengths[index]])
