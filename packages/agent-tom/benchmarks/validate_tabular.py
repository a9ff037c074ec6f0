"""The instrument against known truths: learners and partners without any model.

What is tried, and against which thresholds, is in :mod:`agent_tom.validation`.
"""

import argparse
from pathlib import Path

from agent_tom.validation import EPISODES, GAMES, HORIZON, tabular_figures
from gpu_commons import write_record

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--scale", type=float, default=1.0, help="of episodes, for a trial")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    episodes = max(12, round(run.scale * EPISODES))
    figures = []
    for figure in tabular_figures(episodes):
        print(f"{figure.id}: {figure.value:.4g} (target {figure.target})")
        figures.append(figure)
    path = write_record(
        "validate_tabular",
        results_dir=run.results,
        command="python benchmarks/validate_tabular.py",
        config={
            "horizon": HORIZON,
            "episodes": episodes,
            "games": GAMES,
            "interval": "95 %, BCa over episodes within what the partner began with",
            "settled": "rounds 81 to 100, against the best play of a game that goes on",
        },
        seeds=[0],
        figures=figures,
        shortened=run.scale < 1,
    )
    print(path.name)


if __name__ == "__main__":
    main()
