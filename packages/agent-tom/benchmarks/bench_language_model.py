"""What it costs to ask a language model: one cache for many episodes, against prompting it anew for every question.

The same episode is played both ways: by itself with the whole text read for each question, and beside others with every
round read once. Prompts, answers and chance are the same, so that moves and log-probabilities can be compared.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from agent_tom import Episodes, make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import TransformersBackend
from gpu_commons import Figure, load_model, write_record

RESULTS = Path(__file__).parent / "results"
GAME, PARTNER = "rps", "tit_for_tat"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=8, help="played side by side with a cache")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    model, tokenizer = load_model(run.model, dtype="float32", device="cpu")
    cached, cached_time, cached_tokens = played(TransformersBackend(model, tokenizer), run, run.episodes)
    anew, anew_time, anew_tokens = played(TransformersBackend(model, tokenizer, cached=False), run, 1)
    beside = f"{run.episodes} side by side, with a cache"
    figures = [
        Figure(id=f"CPU time of an episode, {beside}", value=cached_time, baseline=anew_time, unit="s", better="lower"),
        Figure(
            id="CPU time of an episode, with a cache over prompted anew",
            value=cached_time / anew_time,
            unit="ratio",
            better="lower",
            target=0.1,
        ),
        Figure(
            id="tokens read, prompted anew over with a cache",
            value=anew_tokens / cached_tokens,
            unit="ratio",
            better="higher",
            target=30.0,
        ),
        Figure(
            id="largest difference of a log-probability",
            value=largest_difference(cached, anew),
            unit="nats",
            better="lower",
            target=1e-4,
        ),
        Figure(
            id="moves that differ",
            value=float((cached.actions[:1] != anew.actions).sum()),
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


def played(backend: TransformersBackend, run: argparse.Namespace, episodes: int) -> tuple[Episodes, float, float]:
    """Episodes, and CPU seconds and tokens of one."""
    game = make_game(GAME)
    partner = make_partner(PARTNER).automaton(game, run.rounds)
    agent = LanguageModelAgent(model=backend, most_episodes=episodes)
    begin = time.process_time()
    found = play(game, partner, agent, horizon=run.rounds, episodes=episodes)
    return found, (time.process_time() - begin) / episodes, backend.tokens_read / episodes


def largest_difference(cached: Episodes, anew: Episodes) -> float:
    """Between the log-probabilities that the first episode's answers were given, both ways."""
    pairs = ((one[:1], other) for one, other in zip(probabilities(cached), probabilities(anew), strict=True))
    return float(max(np.abs(np.log(one) - np.log(other)).max() for one, other in pairs))


def probabilities(episodes: Episodes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of predictions, of moves, and of any legal move."""
    assert episodes.predictions is not None
    assert episodes.legal_masses is not None
    return episodes.predictions, episodes.action_dists, episodes.legal_masses


if __name__ == "__main__":
    main()
