"""The command ``protein-fitness``: parses, calls the public API, prints results; heavy imports are inside the verbs."""

import sys
from typing import Any

from gpu_commons.cli import run_verbs
from protein_fitness import __version__
from protein_fitness.commands import benchmark, checking, demo, reporting, scoring, shape, training

VERBS: dict[str, Any] = {
    "scan": scoring.scan_protein,
    "score": scoring.score_assay,
    "surface": shape.surface,
    "train": training.train,
    "bench": benchmark.bench,
    "report": reporting.report,
    "doctor": checking.doctor,
    "demo": demo.demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="protein-fitness", version=__version__, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
