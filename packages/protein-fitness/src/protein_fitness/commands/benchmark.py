"""The verb that benchmarks scorers."""

import sys

from gpu_commons.cli import show


def bench(
    reference: str,
    data: str,
    structures: str,
    out: str,
    scorers: list[str],
    alignments: str | None = None,
    assays: list[str] | None = None,
    workers: int = 1,
    cluster: str | None = None,
    json: bool = False,
) -> None:
    """Score ProteinGym's assays and average five metrics as its leaderboard does.

    A run that was stopped goes on where it was; an assay that fails is named with its reason.

    Args:
        reference: ProteinGym's reference file, DMS_substitutions.csv.
        data: Folder of its tables of mutants.
        structures: Folder of its predicted structures.
        out: Folder of scores, metrics and tables.
        scorers: Names, each of one scorer or of several as a+b.
        alignments: Folder of its alignments, for scorers that read homologues.
        assays: Names of those to score now; all if absent.
        workers: Processes.
        cluster: Address of a Ray cluster in their place.
        json: Print JSON.
    """
    from protein_fitness.benchmark.run import run_benchmark

    summary = run_benchmark(
        reference,
        data,
        structures,
        alignments,
        scorers=scorers,
        out=out,
        assays=assays,
        workers=workers,
        cluster=cluster,
    )
    shown = ("metric", "model", "average", "standard_error", "assays", "of")
    show([{name: row[name] for name in shown} for row in summary.rows], as_json=json)
    print(summary.told(), file=sys.stderr)
