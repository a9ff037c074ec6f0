"""``safe-finetune sweep`` and ``report``."""

import copy
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gpu_commons.cli import logs_on_stderr, show


def sweep(
    model: str,
    by: Literal["safety_weight", "safety_budget", "radius", "relative_radius", "keep", "alpha"],
    strengths: list[float],
    task_test: str,
    safety_test: str,
    out: str,
    data: str | None = None,
    safety_data: str | None = None,
    scores: str | None = None,
    domain: str | None = None,
    epochs: float = 1.0,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    lora_rank: int = 16,
    max_length: int = 2048,
    dtype: str = "auto",
    device: str = "auto",
    seed: int = 0,
    json: bool = False,
) -> None:
    """Train under a constraint of rising strength, or merge at many alphas, and draw what each costs.

    A killed sweep goes on where it was.

    Args:
        model: The aligned model: hub id, folder, .gguf file or bundled:NAME.
        by: What rises: the safety loss's weight or budget, the radius, the share of rows kept, or the aligned model's
            share of a merge.
        strengths: Its values.
        task_test: Held-out task rows; their loss is one axis.
        safety_test: Held-out safety rows; their loss is the other.
        out: Folder of the points, frontier.json and frontier.html.
        data: Task rows to train on; not for alpha.
        safety_data: Safety rows to train on, for their weight or budget.
        scores: For keep: a file that `score` has left.
        domain: For alpha: the expert to merge with.
        epochs: Over the task rows.
        batch_size: Rows of a step.
        learning_rate: At its height.
        lora_rank: Of the adapters; 0 trains the whole model.
        max_length: Tokens of a row.
        dtype: Of the models.
        device: Where they are.
        seed: Of orders and adapters.
        json: Result as JSON on stdout.
    """
    from gpu_commons import load_model, seed_everything
    from safe_finetune.commands.training_settings import training_of
    from safe_finetune.rows import RowEncoder, load_rows, load_safe_rows
    from safe_finetune.selection import SelectorScores
    from safe_finetune.sft.adapters import lora_of, with_adapters
    from safe_finetune.sweeps import PointStore, frontier_of, sweep_alphas, sweep_keep_ratios, sweep_training

    _check_sweep(by, {"data": data, "safety_data": safety_data, "scores": scores, "domain": domain})
    aligned = load_model(model, dtype=dtype, device=device)
    encode, where = RowEncoder(max_length=max_length).encode, aligned.model.device.type
    readers = (load_rows, load_safe_rows, load_rows, load_safe_rows)
    paths = zip(readers, (task_test, safety_test, data, safety_data), strict=True)
    rows = [encode(read(path), aligned.tokenizer) if path else None for read, path in paths]
    training = training_of(
        Path(out), epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, device=where, seed=seed
    )
    run: dict[str, Any] = {"model": model, "domain": domain, "rows": [one.fingerprint if one else None for one in rows]}
    run |= {"lora_rank": lora_rank, "epochs": epochs, "learning_rate": learning_rate, "seed": seed}
    common: dict[str, Any] = {"held_out": (rows[0], rows[1]), "store": PointStore(out, run)}

    def make_model() -> Any:
        seed_everything(seed)
        fresh = copy.deepcopy(aligned.model)
        return with_adapters(fresh, lora_of(lora_rank), "default") if lora_rank else fresh

    if by == "alpha":
        expert = load_model(str(domain), dtype=dtype, device=device).model
        points = sweep_alphas(expert, aligned.model, strengths, batch_size=batch_size, **common)
    elif by == "keep":
        ranked: dict[str, Any] = {"rows": load_rows(str(data)), "scores": SelectorScores.load(str(scores))}
        encode_rows = partial(encode, tokenizer=aligned.tokenizer)
        with logs_on_stderr():
            points = sweep_keep_ratios(make_model, strengths, encode=encode_rows, training=training, **ranked, **common)
    else:
        trained: dict[str, Any] = {"task": rows[2], "safety": rows[3], "training": training}
        with logs_on_stderr():
            points = sweep_training(make_model, by, strengths, **trained, **common)
    frontier = frontier_of(points)
    frontier.to_json(Path(out) / "frontier.json")
    page = frontier.to_html(Path(out) / "frontier.html")
    told = [{"strength": point.strength, "safety": point.safety, "capability": point.capability} for point in points]
    show(told if json else [*told, {"page": str(page)}], as_json=json)


def report(frontiers: list[str], out: str, title: str = "Safety against capability") -> None:
    """Draw several sweeps on the same two axes.

    Args:
        frontiers: Files that sweep, or Frontier.to_json, has left; they must have the same axes.
        out: The page, an .html file; a .png file takes the extra [png].
        title: Of the page.
    """
    from safe_finetune.frontier import Frontier

    opened = [Frontier.from_json(path) for path in frontiers]
    first = opened[0]
    for path, other in zip(frontiers, opened, strict=True):
        if (other.safety, other.capability) != (first.safety, first.capability):
            raise ValueError(f"{path} has other axes than {frontiers[0]}; only the same measures can be compared.")
    together = Frontier(first.safety, first.capability, tuple(point for one in opened for point in one.points))
    page = together.to_png(out) if out.endswith(".png") else together.to_html(out, title=title)
    show(str(page), as_json=False)


_NEEDS = {"alpha": ["domain"], "keep": ["data", "scores"], "safety_weight": ["data", "safety_data"]}
_NEEDS["safety_budget"] = _NEEDS["safety_weight"]


def _check_sweep(by: str, given: dict[str, str | None]) -> None:
    if absent := [name for name in _NEEDS.get(by, ["data"]) if given[name] is None]:
        raise ValueError(f"a sweep by {by} needs `{absent[0]}`; give it.")
