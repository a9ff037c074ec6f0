"""Fit toxicity subspaces on ParaDetox: how well they separate held-out texts, whole and unfinished, beside the fit of
the released code on the same texts (pseudo-inverse, whole texts alone).

Data: ``--data`` is a folder with ``toxicity/paradetox.tsv``.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from controlled_decoding.fit import subspace_from_states
from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.labelled_text import LabelledTexts, read_paradetox
from controlled_decoding.reading import Reading, collect_states
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons import Figure, load_model, write_record

RESULTS = Path(__file__).parent / "results"
HOLDOUT_PAIRS = 400


def paradetox_pairs(data: LabelledTexts, pairs: int, seed: int) -> LabelledTexts:
    """``pairs`` toxic sentences with their first neutral rewrite, drawn without replacement; a pair is a group."""
    first: dict[tuple[object, int], int] = {}
    for row, key in enumerate(zip(data.groups or [], data.labels, strict=True)):
        first.setdefault(key, row)
    whole = sorted({group for group, _ in first if (group, 0) in first and (group, 1) in first})
    drawn = np.random.default_rng(seed).choice(len(whole), pairs, replace=False)
    return data.subset([first[whole[place], label] for place in drawn for label in (0, 1)])


@dataclass(frozen=True)
class Fits:
    """Ours, and what the released code would fit on the same texts."""

    ours: SubspaceClassifier
    whole_texts: SubspaceClassifier
    released: SubspaceClassifier


def fit_all(model, tokenizer, data: LabelledTexts, per_class: int, seed: int) -> Fits:
    rows = paradetox_pairs(data, per_class + HOLDOUT_PAIRS, seed)
    how = Reading(holdout=HOLDOUT_PAIRS / (per_class + HOLDOUT_PAIRS), seed=seed)
    site = [HiddenSite.of(model)]
    states = collect_states(model, tokenizer, rows, site, how)
    whole = collect_states(model, tokenizer, rows, site, replace(how, unfinished=0))
    # The same held-out texts, so that all three are judged on whole and on cut ones alike.
    whole = whole._replace(unfinished=states.unfinished)
    fits = Fits(
        subspace_from_states(states, attribute="toxicity"),
        subspace_from_states(whole, attribute="toxicity"),
        subspace_from_states(whole, solver="pinv", attribute="toxicity"),
    )
    ours, theirs = fits.ours.report, fits.released.report
    print(f"{per_class} per class, seed {seed}: AUC {ours.auc:.3f}, released {theirs.auc:.3f}", file=sys.stderr)
    return fits


def fit_figures(fits: Fits, label: str, target: float) -> list[Figure]:
    """Held-out AUC on whole texts beside the released code's fit, and on cut ones beside a fit of whole texts."""
    ours = fits.ours.report
    auc = {"unit": "AUC", "better": "higher"}
    return [
        Figure(
            id=f"held-out AUC, {label}",
            value=ours.auc,
            interval=ours.auc_interval,
            target=target,
            baseline=fits.released.report.auc,
            **auc,
        ),
        Figure(
            id=f"held-out AUC on unfinished text, {label}",
            value=ours.auc_unfinished,
            baseline=fits.whole_texts.report.auc_unfinished,
            **auc,
        ),
    ]


def command_line(parser: argparse.ArgumentParser, run: argparse.Namespace) -> str:
    """What a reader types: options that differ from their defaults, without folders of this machine."""
    words = ["nox -s 'validate(controlled-decoding)' -- --data DATA"]
    for name, value in vars(run).items():
        if name not in ("data", "work") and value != parser.get_default(name):
            shown = " ".join(map(str, value)) if isinstance(value, list) else value
            words.append(f"--{name.replace('_', '-')} {shown}")
    return " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run, _ = parser.parse_known_args()  # nox hands the same options to every validate script
    model, tokenizer = load_model(run.model, dtype="float32")
    paradetox = read_paradetox(run.data / "toxicity" / "paradetox.tsv")
    figures: list[Figure] = []
    for per_class, target in ((1500, 0.93), (200, 0.88)):
        for seed in run.seeds:
            fits = fit_all(model, tokenizer, paradetox, per_class, seed)
            figures += fit_figures(fits, f"{per_class} per class, seed {seed}", target)
    path = write_record(
        "validate_fit",
        results_dir=RESULTS,
        command=command_line(parser, run),
        config={"model": run.model, "holdout_pairs": HOLDOUT_PAIRS, "interval": "95 %, Hanley and McNeil"},
        seeds=run.seeds,
        figures=figures,
        shortened=len(run.seeds) < 3,
    )
    print(path.name)


if __name__ == "__main__":
    main()
