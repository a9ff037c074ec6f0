"""What a merge costs, ours and mergekit's beside each other, at two sizes; and whether it survives being killed.

Checkpoints of random weights are generated in ``--work`` (about 17 GB with the merges; removed at the end unless
``--keep``). Every figure is of whole processes on one thread. mergekit is a benchmark's dependency alone.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from random_llama import write_random_llama
from whole_process import Cost, run

from gpu_commons import Figure, write_record
from gpu_commons.shards import Checkpoint, to_float64

RESULTS = Path(__file__).parent / "results"
SIZES = {"1 GB": 1e9, "4 GB": 4e9}
ROUNDS, KILLS, SEED = 3, 20, 0
ALPHA = 0.3
SAMPLED = 1 << 20
MEMORY_TARGET, TIME_TARGET = 250.0, 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--work", type=Path, help="for checkpoints; a temporary folder if absent")
    parser.add_argument("--keep", action="store_true", help="leave the checkpoints there")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args, _ = parser.parse_known_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="bench_merge_"))
    figures, seconds = [], {}
    try:
        for size in args.sizes:
            models = [write_random_llama(work / f"{size[0]}_{seed}", SIZES[size], seed) for seed in range(2)]
            ours, theirs = compare_costs(models, work, args.rounds)
            figures += cost_figures(size, ours, theirs)
            seconds[size] = float(np.median([one.cpu_seconds for one in ours]))
            if size == "1 GB":
                figures += exactness(size, models, work)
                figures.append(kills(models, work, args.kills))
        figures += planned(seconds)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    path = write_record(
        "bench_merge",
        results_dir=args.results,
        command="python benchmarks/bench_merge.py",
        config={
            "method": "linear, 0.7 and 0.3, bfloat16, shards of 400 MB read",
            "rounds": args.rounds,
            "mergekit": "0.1.5, with its default settings",
            "interval": "lowest and highest round",
            "private memory": "RssAnon, looked at every 10 ms",
        },
        seeds=[SEED],
        figures=figures,
        device="cpu",
        shortened=args.rounds < ROUNDS or args.kills < KILLS or len(args.sizes) < len(SIZES),
    )
    print(path.name, file=sys.stderr)


def compare_costs(models: list[Path], work: Path, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """In turns."""
    recipe = work / "recipe.yml"
    weights = zip(models, (1 - ALPHA, ALPHA), strict=True)
    rows = "".join(f"  - model: {model}\n    parameters: {{weight: {weight}}}\n" for model, weight in weights)
    recipe.write_text(f"models:\n{rows}merge_method: linear\ndtype: bfloat16\n", encoding="utf-8")
    ours, theirs = [], []
    for _ in range(rounds):
        shutil.rmtree(work / "ours", ignore_errors=True)
        ours.append(run(our_command(models, work / "ours")))
        shutil.rmtree(work / "theirs", ignore_errors=True)
        theirs.append(run([sys.executable, "-m", "mergekit.scripts.run_yaml", str(recipe), str(work / "theirs")]))
    if ours[-1].code or not list((work / "theirs").glob("*.safetensors")):
        sys.exit(f"a merge failed: exit codes {ours[-1].code} (ours) and {theirs[-1].code} (mergekit)")
    return ours, theirs


def our_command(models: list[Path], out: Path) -> list[str]:
    arguments = ["--domain", str(models[0]), "--aligned", str(models[1]), "--out", str(out), "--alpha", str(ALPHA)]
    return [sys.executable, "-m", "safe_finetune.cli", "merge", *arguments]


def cost_figures(size: str, ours: list[Cost], theirs: list[Cost]) -> list[Figure]:
    def figure(what: str, unit: str, values: list[float], others: list[float], target: float | None = None) -> Figure:
        return Figure(
            id=f"{size}, {what}",
            value=float(np.median(values)),
            interval=(min(values), max(values)),
            unit=unit,
            better="lower",
            target=target,
            baseline=float(np.median(others)),
        )

    cpu, memory = (
        [[getattr(one, name) for one in runs] for runs in (ours, theirs)] for name in ("cpu_seconds", "private_bytes")
    )
    ratios = [mine / other for mine, other in zip(*cpu, strict=True)]
    megabytes = [[one / 1e6 for one in runs] for runs in memory]
    return [
        figure("private memory", "MB", *megabytes, target=MEMORY_TARGET),
        figure("CPU time", "s", *cpu),
        figure("CPU time over mergekit's", "ratio", ratios, [1.0], target=TIME_TARGET),
    ]


def exactness(size: str, models: list[Path], work: Path) -> list[Figure]:
    """Share of numbers that are not the float64 average rounded once, of ours and of mergekit's."""
    wrong, total = {"ours": 0, "theirs": 0}, 0
    with Checkpoint(models[0]) as one, Checkpoint(models[1]) as other:
        merged = {name: Checkpoint(work / name) for name in wrong}
        for name in one.entries:
            count = min(one.entries[name].num_elements, SAMPLED)
            expected = nearest_bfloat16((1 - ALPHA) * numbers(one, name, count) + ALPHA * numbers(other, name, count))
            total += count
            for kind, checkpoint in merged.items():
                wrong[kind] += int((numbers(checkpoint, name, count) != expected).sum())
        for checkpoint in merged.values():
            checkpoint.close()
    share = {kind: count / total for kind, count in wrong.items()}
    return [
        Figure(
            id=f"{size}, numbers that are not the float64 average rounded once",
            value=share["ours"],
            unit="share",
            better="lower",
            target=0.0,
            baseline=share["theirs"],
        )
    ]


def numbers(checkpoint: Checkpoint, name: str, count: int) -> np.ndarray:
    raw = np.empty(count * checkpoint.entries[name].item_bytes, np.uint8)
    checkpoint.read_into(name, 0, raw)
    return to_float64(raw, checkpoint.entries[name].dtype, np.empty(count))


def nearest_bfloat16(values: np.ndarray) -> np.ndarray:
    """By arithmetic, and not by bits as the merge does it: scaled so that a unit is the last digit, halves to even."""
    _, exponents = np.frexp(values)
    units = np.ldexp(1.0, exponents - 8)
    return np.rint(values / units) * units


def kills(models: list[Path], work: Path, count: int) -> Figure:
    """Kill merges at random times, each time going on with the same one; the last may end."""
    expected = hashes(work / "ours")
    generator, out = np.random.default_rng(SEED), work / "killed"
    shutil.rmtree(out.with_name("killed.partial"), ignore_errors=True)
    died = 0
    while died < count:
        shutil.rmtree(out, ignore_errors=True)
        died += run(our_command(models, out), kill_after=float(generator.uniform(0.5, 6.0))).code != 0
    while not out.exists():
        run(our_command(models, out))
    same = float(hashes(out) == expected)
    return Figure(id=f"the same bytes after {count} kills", value=same, unit="", better="higher", target=1.0)


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.safetensors"))}


def planned(seconds: dict[str, float]) -> list[Figure]:
    """For two models of 16 GB (8 billion numbers), from the slope between the sizes measured: not run."""
    if len(seconds) < 2:
        return []
    slope = (seconds["4 GB"] - seconds["1 GB"]) / 3.0
    return [
        Figure(
            id="16 GB, CPU time planned from the slope, not run",
            value=seconds["4 GB"] + 12.0 * slope,
            unit="s",
            better="lower",
        )
    ]


if __name__ == "__main__":
    main()
