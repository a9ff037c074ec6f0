"""The command ``safe-finetune``: parses, calls the public API, prints results; heavy imports are inside the verbs."""

import sys
from typing import Any

from gpu_commons.cli import run_verbs
from safe_finetune import __version__
from safe_finetune.commands import checking, evaluation, frontier, merging, selection, theory, training


def demo(out: str = "demo") -> None:
    """Score a mixed set of rows, fine-tune with and without safety, merge, and draw what each costs.

    Args:
        out: Folder of the page.
    """
    from safe_finetune.demo import run_demo

    print(run_demo(out))


VERBS: dict[str, Any] = {
    "score": selection.score,
    "select": selection.select,
    "train": training.train,
    "merge": merging.merge,
    "merge-adapters": merging.merge_adapters,
    "compare": merging.compare,
    "sweep": frontier.sweep,
    "theory": theory.theory,
    "report": frontier.report,
    "evaluate": evaluation.evaluate,
    "doctor": checking.doctor,
    "demo": demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="safe-finetune", version=__version__, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
