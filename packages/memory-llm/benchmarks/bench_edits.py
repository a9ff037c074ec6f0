"""Time of one edit of SmolLM2 beside a gradient edit of the same decoder, and of ten thousand edits one after another.

Facts are invented (a name, and one of eight languages). For each of the first facts every editor takes its turn, the
gradient at several learning rates; the ratio is against the one that is fastest among those that flip nearly all facts.
The decoder is in float32, the default on a CPU, and in bfloat16, which makes gradient edits cheaper and leaves an edit,
whose cost is the encoder's, as it is.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from gpu_commons import Figure, write_record
from memory_llm.facts import Fact, FineTune, NoEdit
from memory_llm.larimar.editor import LarimarEditor
from memory_llm.larimar.pipeline import Larimar

RESULTS = Path(__file__).parent / "results"
LANGUAGES = ("Greek", "Spanish", "Korean", "Turkish", "Hebrew", "Swedish", "Latin", "Dutch")
DTYPES = ("float32", "bfloat16")
LEARNING_RATES = (1e-3, 3e-3, 1e-2, 3e-2)
ENOUGH_FLIPPED = 0.95
LAST = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--connector", default="bundled")
    parser.add_argument("--gradient-edits", type=int, default=20)
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(run.threads)
    facts = invented(run.edits, run.seed)
    figures = []
    for dtype in DTYPES:
        larimar = Larimar.from_connector(run.connector, dtype=dtype)
        figures += against_gradients(larimar, facts[: run.gradient_edits], run.seed, dtype)
    figures += one_by_one(larimar, facts)
    path = write_record(
        "bench_edits",
        results_dir=RESULTS,
        command="python benchmarks/bench_edits.py",
        config={**vars(run), "interval": "95 %, bootstrap over facts"},
        seeds=[run.seed],
        figures=figures,
        shortened=run.edits < 10_000 or run.gradient_edits < 20,
    )
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit}", file=sys.stderr)
    print(path.name, file=sys.stderr)


def invented(count: int, seed: int) -> list[Fact]:
    """Facts about people whose names are made of syllables, no two alike."""
    rng = random.Random(seed)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "an", "el", "or")]
    names: dict[str, None] = {}
    while len(names) < count:
        parts = ["".join(rng.choices(syllables, k=rng.randint(2, 3))).capitalize() for _ in range(2)]
        names[" ".join(parts)] = None
    return [
        Fact(id=str(number), prompt=f"The mother tongue of {name} is", target=rng.choice(LANGUAGES), subject=name)
        for number, name in enumerate(names)
    ]


def against_gradients(larimar: Larimar, facts: Sequence[Fact], seed: int, dtype: str) -> list[Figure]:
    """Medians over facts, and the ratio to the best learning rate."""
    base = NoEdit(larimar.model.decoder, larimar.tokenizer)
    editor = LarimarEditor(larimar)
    tuners = {rate: FineTune(base, learning_rate=rate, max_steps=50) for rate in LEARNING_RATES}
    for warm in invented(2, seed + 1):
        LarimarEditor(larimar).edit(warm)
        tuners[LEARNING_RATES[-1]].told([warm])
    ours: list[float] = []
    costs: dict[float, list] = {rate: [] for rate in LEARNING_RATES}
    for fact in facts:
        ours.append(_seconds(lambda fact=fact: editor.edit(fact)))
        for rate, tuner in tuners.items():
            costs[rate].append(tuner.told([fact]).costs[0])
    flipped = {rate: float(np.mean([cost.flipped for cost in found])) for rate, found in costs.items()}
    enough = [rate for rate in LEARNING_RATES if flipped[rate] >= min(ENOUGH_FLIPPED, max(flipped.values()))]
    theirs = {rate: np.array([cost.seconds for cost in costs[rate]]) for rate in LEARNING_RATES}
    best = min(enough, key=lambda rate: float(np.median(theirs[rate])))
    figures = [_median(f"one edit, {dtype}", 1e3 * np.array(ours), "ms", seed)]
    for rate in LEARNING_RATES:
        name = f"gradient edit, {dtype}, lr {rate:g}"
        figures.append(_median(name, 1e3 * theirs[rate], "ms", seed))
        steps = float(np.median([cost.steps for cost in costs[rate]]))
        figures.append(Figure(id=f"{name}: steps", value=steps, unit="steps", better="lower"))
        figures.append(Figure(id=f"{name}: flipped", value=flipped[rate], unit="rate", better="higher"))
    ratio = float(np.median(theirs[best]) / np.median(ours))
    draws = np.random.default_rng(seed).integers(len(facts), size=(2000, len(facts)))
    low, high = np.quantile(
        np.median(theirs[best][draws], axis=1) / np.median(np.array(ours)[draws], axis=1), [0.025, 0.975]
    )
    interval = (float(low), float(high))
    name = f"gradient edit, {dtype}, at lr {best:g} over one edit"
    return [*figures, Figure(id=name, value=ratio, interval=interval, unit="ratio", better="higher", target=20.0)]


def one_by_one(larimar: Larimar, facts: Sequence[Fact]) -> list[Figure]:
    """Medians of the first and the last hundred edits of one memory, and the slowest one (slots are doubled in it)."""
    editor = LarimarEditor(larimar, larimar.new_memory(num_slots=1024, on_overflow="grow"))
    seconds = np.array([_seconds(lambda fact=fact: editor.edit(fact)) for fact in facts])
    first, last = float(np.median(seconds[:LAST])), float(np.median(seconds[-LAST:]))
    return [
        Figure(id=f"first {LAST} of {len(facts)} edits", value=1e3 * first, unit="ms", better="lower"),
        Figure(id=f"last {LAST} of {len(facts)} edits", value=1e3 * last, unit="ms", better="lower"),
        Figure(id="last over first", value=last / first, unit="ratio", better="lower", target=1.5),
        Figure(id="slowest edit", value=1e3 * float(seconds.max()), unit="ms", better="lower"),
    ]


def _seconds(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _median(name: str, values: np.ndarray, unit: str, seed: int) -> Figure:
    draws = np.random.default_rng(seed).choice(values, size=(2000, len(values)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return Figure(
        id=name, value=float(np.median(values)), interval=(float(low), float(high)), unit=unit, better="lower"
    )


if __name__ == "__main__":
    main()
