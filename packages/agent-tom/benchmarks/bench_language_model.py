"""What it costs to ask a language model: one cache for many episodes, against prompting it anew for every question.

The same episode is played both ways: by itself with the whole text read for each question, and beside others with every
round read once. Prompts, answers and chance are the same, so that moves and log-probabilities can be compared.
"""

import argparse
from pathlib import Path

import torch

from agent_tom.prompting_cost import GAME, PARTNER, prompting_cost
from gpu_commons import Figure, load_model, write_record

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=8, help="played side by side with a cache")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    model, tokenizer = load_model(run.model, dtype="float32", device="cpu")
    cost = prompting_cost(model, tokenizer, rounds=run.rounds, episodes=run.episodes)
    beside = f"{run.episodes} side by side, with a cache"
    figures = [
        Figure(
            id=f"CPU time of an episode, {beside}", value=cost.cached_s, baseline=cost.anew_s, unit="s", better="lower"
        ),
        Figure(
            id="CPU time of an episode, with a cache over prompted anew",
            value=cost.cached_s / cost.anew_s,
            unit="ratio",
            better="lower",
            target=0.1,
        ),
        Figure(
            id="tokens read, prompted anew over with a cache",
            value=cost.anew_tokens / cost.cached_tokens,
            unit="ratio",
            better="higher",
            target=30.0,
        ),
        Figure(
            id="largest difference of a log-probability",
            value=cost.largest_difference,
            unit="nats",
            better="lower",
            target=1e-4,
        ),
        Figure(
            id="moves that differ",
            value=float(cost.moves_that_differ),
            unit="moves",
            better="lower",
            target=0.0,
        ),
    ]
    path = write_record(
        "bench_language_model",
        results_dir=run.results,
        command="python benchmarks/bench_language_model.py",
        config={
            "model": run.model,
            "dtype": "float32",
            "threads": 1,
            "rounds": run.rounds,
            "episodes": run.episodes,
            "game": GAME,
            "partner": PARTNER,
        },
        seeds=[0],
        figures=figures,
        shortened=run.rounds < 100,
    )
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit}")
    print(path.name)


if __name__ == "__main__":
    main()
