"""Run a benchmark: an assay a task, resumable, with one table of averages at the end."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gpu_commons.parallel import run_tasks
from gpu_commons.write_aside import write_text_aside
from protein_fitness.benchmark.inputs import Folders
from protein_fitness.benchmark.reference import chosen, read_reference
from protein_fitness.benchmark.summary import Summary, summarise
from protein_fitness.benchmark.task import AssayTask, read_result, result_file, run_task
from protein_fitness.scorers.registry import make_scorer

PLAN_FILE = "benchmark.json"


def run_benchmark(
    reference: str | os.PathLike[str],
    data_dir: str | os.PathLike[str],
    structures_dir: str | os.PathLike[str],
    alignments_dir: str | os.PathLike[str] | None = None,
    *,
    scorers: Sequence[str],
    out: str | os.PathLike[str],
    assays: Sequence[str] | None = None,
    workers: int = 1,
    cluster: str | None = None,
    progress: bool = True,
) -> Summary:
    """Score what the folder does not hold yet, the largest assay first, and average all that it holds.

    An assay that fails leaves its reason and does not stop the others; it is tried again by the next run.

    Args:
        reference: ProteinGym's reference file of substitutions.
        data_dir: Folder of its tables of mutants.
        structures_dir: Folder of its predicted structures.
        alignments_dir: Folder of its alignments, for scorers that read homologues.
        scorers: Names, as for :func:`protein_fitness.scorers.registry.make_scorer`.
        out: Folder of the plan, of scores and metrics by assay, and of the tables.
        assays: Names of those to score now; all if absent.
        workers: Processes.
        cluster: A Ray cluster in their place, whose machines must all find the folders; see
            :func:`gpu_commons.parallel.run_tasks`.
        progress: Show a bar on stderr.

    Raises:
        ValueError: If the folder holds another benchmark, the reference file cannot be read, or a name is unknown.
    """
    names, folder = tuple(dict.fromkeys(scorers)), Path(out).absolute()
    if not names:
        raise ValueError("`scorers` is empty; name one scorer or more.")
    for name in names:
        make_scorer(name)  # refuses unknown ones
    known = read_reference(reference)
    wanted = chosen(known, assays)
    folders = Folders(
        data=Path(data_dir).absolute(),
        structures=Path(structures_dir).absolute(),
        alignments=None if alignments_dir is None else Path(alignments_dir).absolute(),
    )
    _keep_plan(folder, _plan(Path(reference), folders, names))
    waiting = [
        AssayTask(assay=assay, folders=folders, scorers=names, out=folder)
        for assay in sorted(wanted, key=lambda assay: -assay.mutants)
        if not _finished(folder, assay.name)
    ]
    with tqdm(desc="assays", total=len(wanted), initial=len(wanted) - len(waiting), disable=not progress) as bar:
        for _ in run_tasks(run_task, waiting, workers=workers, cluster=cluster):
            bar.update()
    return summarise(folder, known, names)


def _finished(folder: Path, name: str) -> bool:
    file = result_file(folder, name)
    return file.is_file() and read_result(file).finished


def _plan(reference: Path, folders: Folders, scorers: Sequence[str]) -> dict[str, Any]:
    return {
        "reference_sha256": hashlib.sha256(reference.read_bytes()).hexdigest(),
        "data": str(folders.data),
        "structures": str(folders.structures),
        "alignments": None if folders.alignments is None else str(folders.alignments),
        "scorers": list(scorers),
    }


def _keep_plan(folder: Path, plan: dict[str, Any]) -> None:
    file = folder / PLAN_FILE
    if not file.is_file():
        write_text_aside(json.dumps(plan, indent=2) + "\n", file)
        return
    kept = json.loads(file.read_text(encoding="utf-8"))
    if changed := [name for name in plan if plan[name] != kept.get(name)]:
        name = changed[0]
        raise ValueError(
            f"{folder} holds another benchmark: its {name} is {kept.get(name)!r}, not {plan[name]!r}; give another "
            "folder, or what it was begun with."
        )
