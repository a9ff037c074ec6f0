"""A study of agents and a benchmark of proteins share one Ray cluster, and say what they say without one."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import ray

import protein_fitness
from agent_tom.study import Study, run_study
from protein_fitness import run_benchmark
from protein_fitness.benchmark.reference import COLUMNS

STRUCTURE = Path(protein_fitness.__file__).parent / "data" / "1pga.pdb"
SEQUENCE = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
STUDY = Study(games=["rps", "ipd"], partners=["single"], agents=["thompson", "fictitious_play"], episodes=4)


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


@pytest.fixture(scope="module")
def gym(tmp_path_factory):
    """ProteinGym's layout with two assays of one protein."""
    folder = tmp_path_factory.mktemp("gym")
    for name in ("data", "structures"):
        (folder / name).mkdir()
    shutil.copy(STRUCTURE, folder / "structures" / "gb1.pdb")
    draws, known = np.random.default_rng(0), []
    for name in ("GB1_stable", "GB1_binding"):
        known.append((name, f"{name}.csv", "SPG1", SEQUENCE, "30", "Stability", "Prokaryote", "medium", "gb1.pdb"))
        rows = [(f"{SEQUENCE[site]}{site + 1}W", f"{draws.normal():.4f}", draws.integers(2)) for site in range(30)]
        write_csv(folder / "data" / f"{name}.csv", ("mutant", "DMS_score", "DMS_score_bin"), rows)
    write_csv(folder / "reference.csv", COLUMNS, [(*row, *[""] * (len(COLUMNS) - len(row))) for row in known])
    return folder


def write_csv(path, header, rows):
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(header)
        table.writerows(rows)


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_both_run_on_one_cluster_with_the_results_of_one_process(cluster, gym, tmp_path):
    folders = (gym / "reference.csv", gym / "data", gym / "structures")
    settings = {"scorers": ["blosum62", "accessibility"], "progress": False}
    for where, asked in (("alone", None), ("cluster", "local")):
        assert run_study(STUDY, tmp_path / where / "study", cluster=asked, progress=False) == 4
        run_benchmark(*folders, **settings, out=tmp_path / where / "bench", cluster=asked)

    assert ray.get_runtime_context().gcs_address == cluster, "neither has begun a cluster of its own"
    alone, together = files_of(tmp_path / "alone"), files_of(tmp_path / "cluster")
    assert len(alone) >= 4 + 2
    assert together == alone
