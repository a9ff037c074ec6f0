"""Verbs that try a model, and the package itself."""

from dataclasses import asdict

from gpu_commons.cli import BudgetMissed, show


def doctor(
    model: str | None = None, save: str | None = None, device: str = "auto", dtype: str = "auto", json: bool = False
) -> None:
    """Look at the installation, and at a model as an agent: cache, labels, and how much of a short game it understands.

    Exit code 1 says that something needed is missing, or that the model cannot be loaded.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        save: Folder to save it in, for models that take long to convert, as .gguf files do.
        device: Where it runs.
        dtype: Of its weights.
        json: Print JSON.
    """
    from agent_tom.doctor import examine
    from gpu_commons.findings import show_findings

    show_findings(examine(model, save=save, device=device, dtype=dtype), as_json=json)


def bench(
    model: str, rounds: int = 20, episodes: int = 8, device: str = "auto", dtype: str = "auto", json: bool = False
) -> None:
    """What an episode costs with one cache for many, against prompting anew for every question.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        rounds: Of an episode.
        episodes: Side by side.
        device: Where it runs.
        dtype: Of its weights; float32 for equal moves.
        json: Print JSON.
    """
    from agent_tom.prompting_cost import prompting_cost
    from gpu_commons import load_model

    loaded = load_model(model, device=device, dtype=dtype)
    cost = prompting_cost(loaded.model, loaded.tokenizer, rounds=rounds, episodes=episodes)
    show(asdict(cost), as_json=json)


def validate(episodes: int = 400, json: bool = False) -> None:
    """Try the claims that need no real model; exit code 3 if one is missed.

    Args:
        episodes: Of each mean; with fewer some may be missed by chance.
        json: Print JSON.
    """
    from agent_tom.validation import tabular_figures

    figures = []
    for figure in tabular_figures(episodes):
        figures.append(figure)
        if not json:
            target = "" if figure.target is None else f" (target {figure.target:g}{'' if figure.met else ', missed'})"
            print(f"{figure.id}: {figure.value:.4g} {figure.unit}{target}", flush=True)
    if json:
        show([{**asdict(figure), "met": figure.met} for figure in figures], as_json=True)
    if missed := [figure.id for figure in figures if not figure.met]:
        raise BudgetMissed(f"{len(missed)} of {len(figures)} figures miss their targets, such as {missed[0]!r}.")
