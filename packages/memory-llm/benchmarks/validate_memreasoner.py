"""MemReasoner and its baselines on stories among sentences of a novel, trained on short ones and asked about long ones.

A run trains one model from scratch with one seed and asks it 1,000 questions at each length, in the words of
training and with other words for answers. It leaves its model and a file in ``--work`` and is not run again; one that
was cut off goes on from its last checkpoint. Runs are independent and may go side by side: name some of them by
``--runs``. There are several records, each written once its runs are there: of tasks 1 and 2, of variable tracking, of
ways to train for long haystacks, and of each task and baseline that reads tokens.

``--data`` names the folder of the released bAbI files (their test files stay untouched; the last 1,000 training
questions are ours to ask). Filler is light, 0 to 8 lines in training, unless a run is called "facts only".
"""

import argparse
import fnmatch
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rates import rate  # the file beside this one
from safetensors.torch import load_file
from story_sets import MOST_FACTS, StorySet, story_set

from gpu_commons import Figure, resolve_device, write_record
from gpu_commons.environment import hardware_slug
from memory_llm.haystack.stories import Story, StoryReader, names_only
from memory_llm.memreasoner import MemReasonerForQA, small_memreasoner, train_memreasoner
from memory_llm.memreasoner.answering import answer_stories
from memory_llm.memreasoner.baselines import load_baseline, make_baseline, train_baseline
from memory_llm.memreasoner.baselines.train import RESULT_FILE
from memory_llm.training.objective_trainer import TRAINED_FILE

RESULTS = Path(__file__).parent / "results"
LENGTHS = (0, 30, 100, 300, 1000)
SEEDS = (0, 1, 2)
LIGHT = (0, 8)
CHECK, ENOUGH = 100, 0.9
BASELINE_STEPS = 5000
PROMPTS = {"task1": "went to the", "task2": "went to the", "vt": "="}
TARGETS = {
    ("task1", "0"): 0.98,
    ("task1", "30"): 0.95,
    ("task1", "100"): 0.85,
    ("task1", "1000"): 0.60,
    ("task1", "0, other words"): 0.85,
    ("task1", "100, other words"): 0.75,
    ("task2", "0"): 0.95,
    ("task2", "100"): 0.85,
    ("task2", "1000"): 0.70,
    ("vt", "0"): 0.90,
}
HELD_TO = {
    "task1": "task1",
    "task1 official": "task1",
    "task2": "task2",
    "task2 official to 64 lines": "task2",
    "task2 official to 128 lines": "task2",
    "vt": "vt",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One way to train on one task.

    Attributes:
        task: "task1", "task2" or "vt".
        official: On the released files, else on generated stories.
        baseline: Name of a baseline; MemReasoner if absent.
        model: Settings of the model.
        training: Settings of training.
        least: Times that a word must occur to be known; what is rarer stands for all words that tests bring.
        curve: Also say after how many steps held-out answers are 90 % right.
        lengths: Lines of filler to ask among.
    """

    task: str
    official: bool = False
    baseline: str | None = None
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    least: int = 1
    curve: bool = False
    lengths: Sequence[int] = LENGTHS


ONE_HOP = {"steps": 600}
TWO_HOPS = {"steps": 2000, "label_fraction": 0.01}
LONGER = {"filler_lines": (0, 32), "filler_ramp": 1000}
TOKEN_BASELINES = ("transformer", "gru", "rmt", "mamba")
PLANS: dict[str, Plan] = {
    "task1": Plan(task="task1", training=ONE_HOP),
    "task1 official": Plan(task="task1", official=True, training=ONE_HOP),
    "task1 facts only": Plan(task="task1", training=ONE_HOP | {"filler_lines": (0, 0)}),
    "task1 without order": Plan(task="task1", model={"temporal": "none"}, training=ONE_HOP),
    "task2": Plan(task="task2", training=TWO_HOPS, curve=True),
    "task2 official": Plan(task="task2", official=True, training=TWO_HOPS),
    "task2 without labels": Plan(task="task2", training=TWO_HOPS | {"label_fraction": 0.0}, curve=True),
    "task2 one hop": Plan(task="task2", model={"num_hops": 1}, training=TWO_HOPS | {"label_fraction": 0.0}),
    "task2 official to 32 lines": Plan(task="task2", official=True, training=TWO_HOPS | LONGER),
    "task2 official to 64 lines": Plan(
        task="task2",
        official=True,
        training=TWO_HOPS | {"filler_lines": (0, 64), "filler_ramp": 1000},
        lengths=(*LENGTHS, 3000, 10_000),
    ),
    "task2 official to 128 lines": Plan(
        task="task2",
        official=True,
        training=TWO_HOPS | {"filler_lines": (0, 128), "filler_ramp": 1000},
        lengths=(*LENGTHS, 3000, 10_000),
    ),
    "task2 official to 32 lines, rare words unknown": Plan(
        task="task2", official=True, least=3, training=TWO_HOPS | LONGER
    ),
    "task2 official to 32 lines, entmax": Plan(
        task="task2", official=True, model={"addressing": "entmax"}, training=TWO_HOPS | LONGER
    ),
    "task2 official to 32 lines, gated": Plan(
        task="task2", official=True, model={"query_gated": True}, training=TWO_HOPS | LONGER
    ),
    "task2 official to 32 lines, hard late": Plan(
        task="task2", official=True, training=TWO_HOPS | LONGER | {"hard_after": 0.7}
    ),
    "task2 official to 32 lines, cooler": Plan(
        task="task2", official=True, training=TWO_HOPS | LONGER | {"end_temperature": 0.5}
    ),
    "vt": Plan(task="vt", training={"steps": 2000, "label_fraction": 1.0}),
    **{f"{task} memn2n": Plan(task=task, baseline="memn2n") for task in ("task1", "task2")},
    **{
        # Longer haystacks take an hour each. Fewer known words make fewer logits, which cost these models most.
        f"{task} {name}": Plan(task=task, baseline=name, least=3, lengths=LENGTHS[:3])
        for task in ("task1", "task2")
        for name in TOKEN_BASELINES
    },
}
# Ways to reach the lengths that 8 lines of filler do not; one seed of all but the best.
BEST_WAYS = ("task2 official to 64 lines", "task2 official to 128 lines")
WAYS = [name for name in PLANS if name.startswith("task2 official to ")]
OF_TOKENS = [f"{task} {name}" for name in TOKEN_BASELINES for task in ("task1", "task2")]
PARTS = {
    "": [name for name in PLANS if name not in ("vt", *WAYS, *OF_TOKENS)],
    "vt": ["vt"],
    "long": WAYS,
    **{name.replace(" ", "_"): [name] for name in OF_TOKENS},
}
"""Plans of each record, by what its name ends in."""
SEEDS_OF = {name: SEEDS[:1] if name in WAYS and name not in BEST_WAYS else SEEDS for name in PLANS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--runs", nargs="+", default=["*"], help="such as 'task2 official/0' or, with patterns, 'task2/*'"
    )
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "memreasoner", help="finished runs")
    parser.add_argument("--data", type=Path, help="folder with babi/; runs on the released files need it")
    parser.add_argument("--filler", type=Path, help="book or folder of it; Pride and Prejudice if absent")
    parser.add_argument("--list", action="store_true", help="print the names of runs, and stop")
    parser.add_argument("--scale", type=float, default=1.0, help="of steps and questions, for a trial")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    plans = [name for name in PLANS if run.data or not PLANS[name].official]
    every = [(name, seed) for seed in SEEDS for name in plans if seed in SEEDS_OF[name]]
    wanted = [(name, seed) for name, seed in every if any(fnmatch.fnmatch(f"{name}/{seed}", one) for one in run.runs)]
    if not wanted:
        parser.error(f"no run fits {', '.join(run.runs)}; `--list` prints them")
    if run.list:
        print("\n".join(f"{name}/{seed}" for name, seed in wanted))
        return
    if run.scale < 1:  # what a trial leaves must not pass for a finished run
        run.work = run.work / f"trial_{run.scale:g}"
    run.work.mkdir(parents=True, exist_ok=True)
    for name, seed in wanted:
        if not (file := file_of(run.work, name, seed)).exists():
            result = carry_out(PLANS[name], seed, run, file.with_suffix(""))
            file.write_text(json.dumps(result), encoding="utf-8")
            rates = {asked: round(float(np.mean(right)), 3) for asked, right in result["right"].items()}
            print(f"{name}/{seed}", rates, file=sys.stderr)
    for part, names in PARTS.items():
        if part_plans := [name for name in names if name in plans]:
            record(part, part_plans, run)


def file_of(work: Path, name: str, seed: int) -> Path:
    """Where a run's result lies."""
    return work / f"{name.replace(' ', '-').replace(',', '')}_{seed}.json"


# A run


def carry_out(plan: Plan, seed: int, run: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train, unless the folder holds the model already, and ask."""
    stories = story_set(plan.task, run.data / "babi" if plan.official else None, run.filler)
    train, load = (train_ours, load_ours) if plan.baseline is None else (train_theirs, load_theirs)
    if not folder.exists():
        aside = folder.with_name(f"{folder.name}.partial")
        train(plan, stories, seed, aside, run.scale)
        aside.rename(folder)
    reader, told = load(plan, stories, folder)
    count = max(20, round(run.scale * len(stories.test)))
    right, hops = {}, {}
    for shifted in (False, True):
        for length in plan.lengths:
            asked = stories.asked(length, shifted=shifted)[:count]
            name = f"{length}{', other words' if shifted else ''}"
            said, read = answers(reader, asked)
            right[name] = [
                names_only(text, story.answer, story.question, stories.labels)
                for text, story in zip(said, asked, strict=True)
            ]
            if read:
                hops[name] = [
                    [line == wanted for line, wanted in zip(lines, story.support, strict=False)]
                    for lines, story in zip(read, asked, strict=True)
                ]
    return {**told, "device": hardware_slug(resolve_device("auto")), "right": right, "hops": hops}


def train_ours(plan: Plan, stories: StorySet, seed: int, folder: Path, scale: float) -> None:
    """A small MemReasoner; with a curve, its checkpoints are kept."""
    torch.manual_seed(seed)
    hops = 1 if plan.task == "task1" else 2
    settings = {"num_hops": hops, "answer_prompt": PROMPTS[plan.task], **plan.model}
    model = small_memreasoner(stories.tokenizer(plan.least), **settings).to(resolve_device("auto"))
    training = {"filler_lines": LIGHT, **plan.training}
    training["steps"] = max(20, round(scale * training["steps"]))
    keep = {"save_steps": CHECK, "save_total_limit": None} if plan.curve else {}
    texts = stories.filler.train
    own = sorted({line for story in stories.train for line in story.lines})
    train_memreasoner(
        model,
        stories.train,
        folder,
        filler=texts,
        auxiliary=[texts, own, stories.lines],
        seed=seed,
        resume=was_cut(folder),
        disable_tqdm=True,
        logging_steps=CHECK,
        **training,
        **keep,
    )


def load_ours(plan: Plan, stories: StorySet, folder: Path) -> tuple[StoryReader, dict[str, Any]]:
    """The model, and with a curve the steps that it took to learn."""
    model = MemReasonerForQA.from_pretrained(folder).to(resolve_device("auto")).eval()
    return model, {"steps_to_90": steps_to_90(model, stories, folder) if plan.curve else None}


def train_theirs(plan: Plan, stories: StorySet, seed: int, folder: Path, scale: float) -> None:
    """A baseline, until it answers held-out stories or its steps are over."""
    assert plan.baseline is not None
    train_baseline(
        make_baseline(plan.baseline, stories.tokenizer(plan.least), seed=seed),
        stories.train,
        folder,
        held_out=stories.held_out,
        filler=stories.filler.train,
        auxiliary=[*stories.filler.train, *stories.lines],
        steps=max(20, round(scale * BASELINE_STEPS)),
        seed=seed,
        resume=was_cut(folder),
        disable_tqdm=True,
        **plan.training,
    )


def was_cut(folder: Path) -> bool:
    """Whether training into a folder stopped between checkpoints."""
    return any(folder.glob("checkpoints/checkpoint-*"))


def load_theirs(_plan: Plan, _stories: StorySet, folder: Path) -> tuple[StoryReader, dict[str, Any]]:
    """The baseline, and how its training ended."""
    told = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
    return load_baseline(folder).to(resolve_device("auto")), told


def steps_to_90(model: MemReasonerForQA, stories: StorySet, folder: Path) -> int | None:
    """The first checkpoint that answers 90 % of the held-out stories; None if there is none."""
    end = {name: part.detach().clone() for name, part in model.named_parameters()}
    try:
        for checkpoint in sorted(folder.glob("checkpoints/checkpoint-*"), key=lambda one: int(one.name.split("-")[1])):
            state = load_file(checkpoint / TRAINED_FILE)
            model.load_state_dict({name.removeprefix("model."): part for name, part in state.items()}, strict=False)
            said, _ = answers(model, stories.held_out)
            right = [text == story.answer for text, story in zip(said, stories.held_out, strict=True)]
            if np.mean(right) >= ENOUGH:
                return int(checkpoint.name.split("-")[1])
    finally:
        model.load_state_dict(end, strict=False)
    return None


def answers(reader: StoryReader, stories: Sequence[Story]) -> tuple[list[str], list[list[int]]]:
    """What a reader says, and, of MemReasoner, the line that each hop reads most."""
    if isinstance(reader, MemReasonerForQA):
        said, lines = zip(*answer_stories(reader, stories, batch_size=32, max_new_tokens=8), strict=True)
        return list(said), list(lines)
    return [text for start in range(0, len(stories), 32) for text in reader.answer(stories[start : start + 32])], []


# What is told


def record(part: str, plans: Sequence[str], run: argparse.Namespace) -> None:
    """Rates by plan and length, once all runs of a part are there."""
    files = {name: [file_of(run.work, name, seed) for seed in SEEDS_OF[name]] for name in plans}
    missing = [file.stem for seeds in files.values() for file in seeds if not file.exists()]
    record_name = "_".join(filter(None, ("validate_memreasoner", part)))
    if missing:
        print(f"{record_name}: {len(missing)} runs to go, such as {missing[0]}", file=sys.stderr)
        return
    found = {name: [json.loads(file.read_text(encoding="utf-8")) for file in seeds] for name, seeds in files.items()}
    figures = []
    for name, seeds in found.items():
        for length in seeds[0]["right"]:
            right = np.array([one["right"][length] for one in seeds], dtype=float)
            asked = f"{name}, +{length} lines" if "," not in length else f"{name}, +{length.replace(',', ' lines,')}"
            figures.append(rate(asked, right, target=TARGETS.get((HELD_TO.get(name, ""), length))))
        figures += hop_rates(name, seeds) + convergence(name, seeds)
    path = write_record(
        record_name,
        results_dir=run.results,
        command="python benchmarks/validate_memreasoner.py --data DATA" + (" --filler BOOKS" if run.filler else ""),
        config={
            "questions": len(next(iter(found.values()))[0]["right"]["0"]),
            "filler": run.filler.name if run.filler else "pride-and-prejudice",
            "facts": f"at most {MOST_FACTS} in generated stories, as they are in the released files",
            "plans": {name: {**PLANS[name].model, **PLANS[name].training} for name in found},
            "least_count_of_words": {name: PLANS[name].least for name in found},
            "seeds": {name: list(SEEDS_OF[name]) for name in found},
            "devices of the seeds": {name: [one["device"] for one in seeds] for name, seeds in found.items()},
            "baseline_steps": BASELINE_STEPS,
            "interval": "95 %, bootstrap over questions, means over seeds",
        },
        seeds=list(SEEDS),
        figures=figures,
        shortened=run.scale < 1,
    )
    print(path.name, file=sys.stderr)


def hop_rates(name: str, seeds: Sequence[dict[str, Any]]) -> list[Figure]:
    """How often each hop reads the line that it should, without filler and at the longest."""
    figures = []
    for length in (PLANS[name].lengths[0], PLANS[name].lengths[-1]) if seeds[0]["hops"] else ():
        hits = np.array([one["hops"][str(length)] for one in seeds], dtype=float)
        for hop in range(hits.shape[-1]):
            figures.append(rate(f"{name}, +{length} lines, hop {hop + 1} reads its line", hits[..., hop]))
    return figures


def convergence(name: str, seeds: Sequence[dict[str, Any]]) -> list[Figure]:
    """Of a baseline, how many seeds reached 95 % in distribution; with a curve, the steps to 90 %."""
    figures = []
    if "converged" in seeds[0]:
        value = float(np.mean([one["converged"] for one in seeds]))
        figures.append(Figure(id=f"{name}, seeds that converged", value=value, unit="rate", better="higher"))
    if seeds[0].get("steps_to_90"):
        steps = float(np.mean([one["steps_to_90"] or np.nan for one in seeds]))
        figures.append(Figure(id=f"{name}, to 90 % of held-out answers", value=steps, unit="steps", better="lower"))
    return figures


if __name__ == "__main__":
    main()
