"""Time to write 1,000 and 10,000 lines to a MemReasoner, and to ask it a question about them.

The small model as validation trains it, with two hops; its weights are random here, which costs the same. All lines
differ, since equal ones would be encoded once.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from gpu_commons import Figure, write_record
from memory_llm.haystack.stories import where_is_object
from memory_llm.memreasoner import small_memreasoner
from memory_llm.memreasoner.word_tokenizer import word_tokenizer

RESULTS = Path(__file__).parent / "results"
LENGTHS = (1_000, 10_000)
QUESTION = "Where is the milk?"
TOGETHER = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    told = [line for story in where_is_object(LENGTHS[-1], seed=run.seed) for line in story.lines]
    lines = [f"{line} {number}" for number, line in enumerate(told[: LENGTHS[-1]])]
    model = small_memreasoner(word_tokenizer([*lines, QUESTION]), num_hops=2, answer_prompt="went to the")
    writing: dict[int, list[float]] = {length: [] for length in LENGTHS}
    asking: dict[tuple[str, int], list[float]] = {}
    memories = {length: model.write(lines[:length]) for length in LENGTHS}
    for _ in range(run.rounds):
        for length in LENGTHS:
            writing[length].append(seconds(lambda length=length: model.write(lines[:length])))
            for name, ask in asks(model, memories[length]).items():
                asking.setdefault((name, length), []).append(seconds(ask))
    long, short = LENGTHS[-1], LENGTHS[0]
    figures = [median(f"writing {length} lines", 1e3 * np.array(writing[length])) for length in LENGTHS]
    per_line = float(np.median(writing[long]) / np.median(writing[short])) * short / long
    figures.append(
        Figure(id=f"time a line, {long} over {short} lines", value=per_line, unit="ratio", better="lower", target=1.5)
    )
    for (name, length), found in asking.items():
        each = 1e3 * np.array(found) / (TOGETHER if "together" in name else 1)
        figures.append(median(f"{name}, {length} lines", each, target=None if "alone" in name else 5.0))
    path = write_record(
        "bench_memreasoner",
        results_dir=RESULTS,
        command="python benchmarks/bench_memreasoner.py",
        config={**vars(run), "interval": "95 %, bootstrap over rounds"},
        seeds=[run.seed],
        figures=figures,
        shortened=run.rounds < 20,
    )
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit}", file=sys.stderr)
    print(path.name, file=sys.stderr)


def asks(model, memory) -> dict[str, Callable[[], object]]:
    """Ways to ask a memory."""
    return {
        "hops of a question": lambda: model.read(memory, QUESTION),
        "an answer alone": lambda: model.generate(query=QUESTION, memory=memory, max_new_tokens=1),
        f"an answer, {TOGETHER} together": lambda: model.generate(
            query=[QUESTION] * TOGETHER, memory=memory, max_new_tokens=1
        ),
    }


def seconds(call: Callable[[], object]) -> float:
    """Of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def median(name: str, values: np.ndarray, target: float | None = None) -> Figure:
    """With a bootstrap interval, in milliseconds."""
    draws = np.median(np.random.default_rng(0).choice(values, size=(2000, len(values))), axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    interval = (float(low), float(high))
    return Figure(id=name, value=float(np.median(values)), interval=interval, unit="ms", better="lower", target=target)


if __name__ == "__main__":
    main()
