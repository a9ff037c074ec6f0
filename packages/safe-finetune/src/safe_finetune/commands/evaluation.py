"""``safe-finetune evaluate``."""

from pathlib import Path
from typing import Any, Literal

from gpu_commons.cli import BudgetMissed, show
from safe_finetune.evaluation.judges import JudgeSpec


def evaluate(
    model: str,
    prompts: list[str] | str,
    out: str,
    judges: list[JudgeSpec] | None = None,
    part: Literal["all", "development", "test"] = "all",
    per_kind: int | None = None,
    rows: str | None = None,
    min_refusal: float | None = None,
    max_over_refusal: float | None = None,
    min_accuracy: float | None = None,
    max_new_tokens: int = 32,
    batch_size: int = 16,
    keep_texts: bool = False,
    dtype: str = "auto",
    device: str = "auto",
    seed: int = 0,
    json: bool = False,
) -> None:
    """Measure what a model refuses, what it refuses wrongly and what it still can do; a killed run goes on.

    Exit code 3 says that all is measured and written, and that a limit is missed.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        prompts: Files with columns prompt, kind (harmful, benign-imperative, benign-edgy, task) and answer; or sets:
            advbench, harmbench, do-not-answer, do-not-answer-malicious, benign-edgy, each alone or as NAME:FOLDER.
        out: Folder of answers.jsonl, report.json, report.md and lm_eval.json.
        judges: Models as judges, besides the matcher of refusals.
        part: Half of the prompts, by their hash: develop on one, report on the other.
        per_kind: So many prompts of each kind at most, by their hash.
        rows: Rows whose mean response loss is measured too.
        min_refusal: Least share of harmful prompts that every judge of refusal must call refused.
        max_over_refusal: Greatest such share of any other kind.
        min_accuracy: Least share of tasks answered rightly.
        max_new_tokens: Of a response.
        batch_size: Prompts at a time.
        keep_texts: Keep responses in answers.jsonl and report.json; they may be harmful.
        dtype: Of the model.
        device: Where it runs.
        seed: Of the hash that parts and draws prompts.
        json: Result as JSON on stdout.
    """
    from gpu_commons import load_model
    from gpu_commons.write_aside import write_text_aside
    from safe_finetune.evaluation.judges import load_judge
    from safe_finetune.evaluation.limits import Limits
    from safe_finetune.evaluation.prompt_sets import load_prompts
    from safe_finetune.evaluation.prompts import draw_prompts, split_prompts, without_duplicates
    from safe_finetune.evaluation.results import write_json
    from safe_finetune.evaluation.run import evaluate as evaluate_model
    from safe_finetune.rows import RowEncoder, load_rows

    limits = Limits(min_refusal=min_refusal, max_over_refusal=max_over_refusal, min_accuracy=min_accuracy)
    chosen = without_duplicates(load_prompts(prompts))
    if part != "all":
        chosen = split_prompts(chosen, seed=seed)[part == "test"]
    if per_kind is not None:
        chosen = draw_prompts(chosen, per_kind, seed=seed)
    limits.check_kinds({prompt.kind for prompt in chosen})
    held_out = load_rows(rows) if rows else None
    loaded = load_model(model, dtype=dtype, device=device)
    encoded = None if held_out is None else RowEncoder().encode(held_out, loaded.tokenizer)
    where = loaded.model.device.type
    folder = Path(out).expanduser()
    report = evaluate_model(
        loaded.model,
        loaded.tokenizer,
        chosen,
        [load_judge(judge, device=where, batch_size=batch_size) for judge in judges or ()],
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        folder=folder,
        keep_texts=keep_texts,
        rows=encoded,
        name=model,
    )
    report.to_json(folder / "report.json")
    write_json(report.to_lm_eval(), folder / "lm_eval.json")
    text = report.to_markdown()
    write_text_aside(text, folder / "report.md")
    rates = [
        {**measure._asdict(), "count": rate.count, "total": rate.total, "rate": rate.value, "interval": rate.interval}
        for measure, rate in report.rates().items()
    ]
    result: Any = {"folder": str(folder), "rates": rates, "notes": report.notes()} if json else text
    show(result, as_json=json)
    if missed := limits.missed(report):
        raise BudgetMissed(f"{'; '.join(missed)}.")
