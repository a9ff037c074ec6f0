"""Verbs that make subspaces and show what they are."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from controlled_decoding.commands.opening import DEFAULT_MODEL, Dtype, load, open_subspace
from gpu_commons.cli import show

if TYPE_CHECKING:
    from controlled_decoding.labelled_text import LabelledTexts
    from controlled_decoding.subspace import SubspaceClassifier


def fit(
    data: str,
    out: str,
    model: str = DEFAULT_MODEL,
    attribute: str = "toxicity",
    text: str = "text",
    label: str = "label",
    undesired: list[str] | None = None,
    score: str | None = None,
    threshold: float = 0.5,
    prompt: str | None = None,
    group: str | None = None,
    layer: int = -1,
    solver: Literal["ledoit_wolf", "pinv"] = "ledoit_wolf",
    unfinished: int = 8,
    chat: bool = False,
    holdout: float = 0.2,
    layer_sweep: bool = False,
    seed: int = 0,
    dtype: Dtype = "float32",
    json: bool = False,
) -> None:
    """Fit a subspace on labelled texts and save it.

    Args:
        data: JSONL, CSV, TSV or Parquet file.
        out: Folder of the artifact.
        model: Hub id, folder, .gguf file or bundled:NAME.
        attribute: What the undesired texts show.
        text: Column of the text (or of the response, with --prompt).
        label: Column of the label: 1 or true = desired, 0 or false = undesired.
        undesired: Labels that mean undesired, where the column holds other names.
        score: Column of a score to use instead of a label; high = undesired.
        threshold: Scores from here on are undesired.
        prompt: Column of what each text answers.
        group: Column of rows that belong together and never straddle the split.
        layer: Decoder block to read, from the end if negative.
        solver: Shrunk covariance, or the authors' pseudo-inverse.
        unfinished: States of each text that are fitted beside its last; 0 fits whole texts alone, as the authors do.
        chat: Render through the chat template.
        holdout: Share of rows kept for the report and the calibration.
        layer_sweep: Only report the held-out AUC of several layers; nothing is saved.
        seed: Of the split.
        dtype: Number format of the model.
        json: Result as JSON on stdout.
    """
    from controlled_decoding.fit import fit_subspace
    from controlled_decoding.fit import layer_sweep as sweep

    rows = _labelled(
        data, text=text, label=label, undesired=undesired, score=score, threshold=threshold, prompt=prompt, group=group
    )
    loaded = load(model, dtype)
    reading: dict[str, Any] = {"unfinished": unfinished, "chat": chat, "holdout": holdout, "seed": seed}
    if layer_sweep:
        show([asdict(row) for row in sweep(*loaded, rows, **reading)], as_json=json)
        return
    subspace = fit_subspace(*loaded, rows, attribute=attribute, layer=layer, solver=solver, **reading)
    subspace.save_pretrained(out)
    show({"saved": out, **_facts(subspace)}, as_json=json)


def inspect(subspace: str, json: bool = False) -> None:
    """Show what a subspace is, where it came from and how well it separates held-out texts.

    Args:
        subspace: Folder or hub id of the artifact.
        json: Result as JSON on stdout.
    """
    show(_facts(open_subspace(subspace)), as_json=json)


def calibrate(
    subspace: str,
    data: str,
    out: str,
    model: str = DEFAULT_MODEL,
    text: str = "text",
    label: str = "label",
    undesired: list[str] | None = None,
    score: str | None = None,
    threshold: float = 0.5,
    prompt: str | None = None,
    dtype: Dtype = "float32",
    json: bool = False,
) -> None:
    """Re-calibrate a subspace's log-odds on other labelled texts; the hyperplane stays.

    Args:
        subspace: Folder or hub id of the artifact.
        data: Labelled texts as for fit.
        out: Folder of the new artifact.
        model: The model that the subspace was fitted on.
        text: Column of the text.
        label: Column of the label.
        undesired: Labels that mean undesired.
        score: Column of a score to use instead.
        threshold: Scores from here on are undesired.
        prompt: Column of what each text answers.
        dtype: Number format of the model.
        json: Result as JSON on stdout.
    """
    from controlled_decoding.fit import calibrate_subspace

    old = open_subspace(subspace)
    rows = _labelled(data, text=text, label=label, undesired=undesired, score=score, threshold=threshold, prompt=prompt)
    new = calibrate_subspace(old, *load(model, dtype), rows)
    new.save_pretrained(out)
    show({"saved": out, "slope": new.slope, "intercept": new.intercept, "slope_before": old.slope}, as_json=json)


def convert(
    source: str, out: str, model: str = DEFAULT_MODEL, attribute: str = "toxicity", dtype: Dtype = "auto"
) -> None:
    """Convert a probe of AISteer360 or steerability (.probe, .pt or folder) into a subspace.

    Args:
        source: The probe.
        out: Folder of the artifact.
        model: The model that the probe was fitted on.
        attribute: What its undesired side shows.
        dtype: Number format of the model.
    """
    from controlled_decoding.aisteer360 import convert_aisteer360

    subspace = convert_aisteer360(source, load(model, dtype).model, attribute=attribute)
    print(subspace.save_pretrained(out))


def _labelled(data: str, **columns: Any) -> "LabelledTexts":
    from controlled_decoding.labelled_text import read_labelled

    return read_labelled(data, **columns)


def _facts(subspace: "SubspaceClassifier") -> dict[str, Any]:
    report = asdict(subspace.report) if subspace.report else {}
    site = {"layer": subspace.site.layer, "after_final_norm": subspace.site.normed, "width": len(subspace.weight)}
    line = {"log_odds_slope": subspace.slope, "log_odds_intercept": subspace.intercept}
    return {"attribute": subspace.attribute, **site, **line, **report, "model": subspace.model, **subspace.provenance}
