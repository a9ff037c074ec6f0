"""What SEAL costs: the full variant, whose two LoRA adapters share one frozen base, beside the memory-efficient one.

SmolLM2-135M, in bfloat16 where the processor has it, 16 fine-tuning rows a step (SEAL: and 16 safe rows). Plain
fine-tuning with LoRA on the same rows says what scores cost a user. Each run is a process of its own on one thread; the
variants take turns, each round in another order, and are compared round by round.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import ttest_1samp
from seal_training_run import EFFICIENT, FULL, LORA, MODEL, PLAIN, ROWS_A_STEP, SEED, VARIANTS
from whole_process import run

from gpu_commons import Figure, write_record

RESULTS = Path(__file__).parent / "results"
ROUNDS, STEPS = 3, 3  # the first step warms up
TIME_TARGET, MEMORY_TARGET = 1.6, 100.0
Costs = dict[str, list[float]]  # by variant, one a round


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args, _ = parser.parse_known_args()
    seconds: Costs = {name: [] for name in VARIANTS}
    allocated: Costs = {name: [] for name in VARIANTS}
    private: Costs = {name: [] for name in VARIANTS}
    found: dict = {}
    for number in range(args.rounds):
        for name in np.roll(VARIANTS, -number).tolist():
            found = measured(name, args.steps)
            print(number, name, found, file=sys.stderr)
            seconds[name].append(float(np.mean(found["step_seconds"])))
            allocated[name].append(found["allocated_bytes"] / 1e6)
            private[name].append(found["private_bytes"] / 1e6)
    path = write_record(
        "bench_seal",
        results_dir=args.results,
        command="python benchmarks/bench_seal.py",
        config={
            "model": f"{MODEL}, {found['dtype']}",
            "adapters": LORA,
            "rows a step": ROWS_A_STEP,
            "tokens a row": found["tokens_a_row"],
            "rounds": args.rounds,
            "steps": f"{args.steps}, of which the first is not counted",
            "interval": "95 % of the mean over rounds, by Student's t",
            "time": "CPU seconds, user and system",
            "memory in use": "what malloc has given out, looked at every 10 ms",
            "private memory": "RssAnon, looked at every 10 ms: with what malloc keeps of freed blocks",
        },
        seeds=[SEED],
        figures=[*time_figures(seconds), *memory_figures(allocated, private)],
        device="cpu",
        shortened=args.rounds < ROUNDS or args.steps < STEPS,
        extra={"seconds": seconds, "allocated_megabytes": allocated, "private_megabytes": private},
    )
    print(path.name, file=sys.stderr)


def measured(variant: str, steps: int) -> dict:
    """What a process of its own finds, and the private memory that is seen from outside."""
    script = Path(__file__).with_name("seal_training_run.py")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        cost = run([sys.executable, str(script), variant, str(steps), str(out)])
        if cost.code:
            sys.exit(f"{variant}: the run failed with exit code {cost.code}")
        return {**json.loads(out.read_text(encoding="utf-8")), "private_bytes": cost.private_bytes}


def time_figures(seconds: Costs) -> list[Figure]:
    """CPU time of a step, as ratios in the same round and by itself."""

    def ratio(one: str, other: str, target: float | None = None) -> Figure:
        shares = np.divide(seconds[one], seconds[other]).tolist()
        return figure(f"{one}, over {other}: CPU time of a step", shares, "ratio", target=target, baseline=1.0)

    return [
        ratio(FULL, EFFICIENT, TIME_TARGET),
        ratio(FULL, PLAIN),
        ratio(EFFICIENT, PLAIN),
        *(figure(f"{name}: CPU time of a step", values, "s") for name, values in seconds.items()),
    ]


def memory_figures(allocated: Costs, private: Costs) -> list[Figure]:
    """At the peak, as differences in the same round and by itself."""

    def more(what: str, costs: Costs, target: float | None = None) -> Figure:
        values = np.subtract(costs[FULL], costs[EFFICIENT]).tolist()
        return figure(f"{FULL}, more than {EFFICIENT}: {what}", values, "MB", target=target)

    return [
        more("memory in use at its peak", allocated, MEMORY_TARGET),
        more("private memory at its peak", private, MEMORY_TARGET),
        *(figure(f"{name}: memory in use at its peak", values, "MB") for name, values in allocated.items()),
        *(figure(f"{name}: private memory at its peak", values, "MB") for name, values in private.items()),
    ]


def figure(
    name: str, values: Sequence[float], unit: str, *, target: float | None = None, baseline: float | None = None
) -> Figure:
    """Mean over rounds; less is better."""
    interval = None
    if len(values) > 1 and np.ptp(values) > 0:
        low, high = ttest_1samp(values, 0.0).confidence_interval()
        interval = (float(low), float(high))
    return Figure(
        id=name, value=float(np.mean(values)), interval=interval, unit=unit, better="lower", target=target,
        baseline=baseline,
    )  # fmt: skip


if __name__ == "__main__":
    main()
