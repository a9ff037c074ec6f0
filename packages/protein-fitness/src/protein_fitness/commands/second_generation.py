"""``python -m protein_fitness.commands.second_generation``: entry of a container of ProteinGym's second generation."""

import sys
from collections.abc import Sequence
from pathlib import Path

from gpu_commons.cli import run_verbs, show
from protein_fitness import __version__


def train(
    dataset_file: str,
    target: str,
    split: str | None = None,
    test_fold: int | None = None,
    model_card_file: str = "README.md",
    output: str = "output",
) -> None:
    """Score an assay; nothing is learned from its labels.

    Card and output lie in the folder where the benchmark's containers start, unless they are given.

    Args:
        dataset_file: Archive of the assay, as the benchmark hands it over.
        target: Column to predict.
        split: Of models that learn from labels; all of the assay is scored here.
        test_fold: Likewise.
        model_card_file: Markdown whose head may set "scorer" and "mode" under hyper_parameters.
        output: Folder of the predictions' archive.
    """
    from protein_fitness.benchmark.second_generation import write_predictions

    written = write_predictions(Path(dataset_file), target, Path(model_card_file), Path(output))
    show(str(written), as_json=False)


def ping() -> None:
    """Say that the container runs."""
    show("pong", as_json=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb, whose options the benchmark writes with dashes, and return the exit code."""
    given = [_with_underscores(one) for one in (sys.argv[1:] if arguments is None else arguments)]
    return run_verbs({"train": train, "ping": ping}, command="protein-fitness", version=__version__, arguments=given)


def _with_underscores(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return f"--{name[2:].replace('-', '_')}{equals}{value}" if name.startswith("--") else argument


if __name__ == "__main__":
    sys.exit(main())
