import csv
import json
import shutil

import pytest
import torch

from protein_fitness.assay import read_assay, score_rows
from protein_fitness.benchmark import run
from protein_fitness.benchmark.run import run_benchmark
from protein_fitness.benchmark.task import read_result, result_file, run_task
from protein_fitness.encoders.letters import LetterEncoder
from protein_fitness.metrics.spearman import spearman
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.scorers.registry import make_scorer
from protein_fitness.scoring.predictor import FitnessPredictor

SCORERS = ["blosum62", "accessibility"]


def begin(gym, **changed):
    given = {"scorers": SCORERS, "out": gym / "out", "progress": False} | changed
    folders = (gym / "reference.csv", gym / "data", gym / "structures")
    return run_benchmark(*folders, given.pop("alignments", None), **given)


def rows_of(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_scores_metrics_and_tables_agree(gym, gb1):
    summary = begin(gym)

    table = read_assay(gym / "data" / "GB1_stable.csv")
    expected = score_rows(table, gb1, make_scorer("accessibility")).scores
    scores = rows_of(gym / "out" / "scores" / "GB1_stable.csv")
    assert list(scores[0]) == ["mutant", "DMS_score", "DMS_score_bin", *SCORERS]
    assert [row["mutant"] for row in scores] == [row["mutant"] for row in table.rows]
    assert [float(row["accessibility"]) for row in scores] == pytest.approx(expected, rel=1e-5)

    level = next(row for row in rows_of(gym / "out" / "Spearman.csv") if row["DMS ID"] == "GB1_stable")
    assert float(level["accessibility"]) == round(spearman(expected, table.labels, resamples=2).value, 3)
    assert float(level["accessibility"]) > 0.5
    best = summary.rows[0]
    assert (best["metric"], best["model"], best["assays"], best["of"]) == ("Spearman", "accessibility", 2, 3)
    types = [best[f"Function_{name}"] for name in ("Binding", "Stability")]
    assert best["average"] == pytest.approx(sum(types) / 2, abs=1e-3)
    assert best["standard_error"] == 0


def test_parts_by_number_of_mutations_are_measured_apart(gym):
    begin(gym)

    rows = [row for row in read_result(result_file(gym / "out", "GB1_stable")).rows if row.scorer == "accessibility"]

    assert [(row.mutations, row.mutants) for row in rows] == [("all", 40), ("1", 30), ("2", 10)]
    assert rows[1].metrics["Spearman"] != rows[0].metrics["Spearman"]


def test_surfaces_that_a_network_reads_are_kept_beside_the_results(gym):
    settings = {"points_per_atom": 6, "resolution": 2.5}
    config = S3FConfig(encoder_width=21, node_scalars=8, num_layers=1, surface=True, surface_settings=settings)
    with torch.random.fork_rng(devices=[]):
        FitnessPredictor(S3FModel(config), LetterEncoder()).save_pretrained(gym / "model")

    begin(gym, scorers=[str(gym / "model")], assays=["GB1_stable", "GB1_binding"])

    assert len(list((gym / "out" / "surfaces").glob("*.npz"))) == 1  # of the one protein of both


def test_an_assay_that_fails_is_named_and_stops_no_other(gym):
    summary = begin(gym)

    assert summary.missing.keys() == {("LOST", name) for name in SCORERS}
    assert summary.missing["LOST", "blosum62"].startswith(f"there is no file {gym / 'data' / 'LOST.csv'}")
    assert summary.told().startswith("1 of 3 assays lack a value of some model")
    assert "LOST" in summary.told()
    assert [row["assay"] for row in rows_of(gym / "out" / "missing.csv")] == ["LOST", "LOST"]


def test_without_its_structure_an_assay_keeps_the_scorers_that_need_none(gym):
    (gym / "structures" / "gb1.pdb").unlink()

    summary = begin(gym)

    reason = summary.missing["GB1_stable", "accessibility"]
    assert "gb1.pdb" in reason
    assert "accessibility reads a structure and the protein has none" in reason
    assert ("GB1_stable", "blosum62") not in summary.missing


def test_positions_outside_of_the_alignment_have_no_score(gym):
    summary = begin(gym, scorers=["profile"], alignments=gym / "alignments", assays=["GB1_stable"])

    assert summary.rows[0]["scored"] == 1  # mutants lie within 13 to 42, the alignment within 10 to 50
    file = gym / "data" / "GB1_binding.csv"
    file.write_text(file.read_text() + "M1A,0.5,1\n")
    summary = begin(gym, scorers=["profile"], alignments=gym / "alignments", assays=["GB1_binding"])
    row = read_result(result_file(gym / "out", "GB1_binding")).rows[0]
    assert (row.mutants, row.scored) == (41, 40)
    assert summary.rows[0]["scored"] == round(80 / 81, 3)


def test_mutants_of_another_protein_are_a_reason(gym):
    file = gym / "data" / "GB1_binding.csv"
    file.write_text(file.read_text().replace("\nK13A,", "\nW13A,"))

    summary = begin(gym)

    assert "W13A" in summary.missing["GB1_binding", "blosum62"]
    assert ("GB1_stable", "blosum62") not in summary.missing


def test_a_finished_assay_is_not_scored_again_and_a_failed_one_is(gym, monkeypatch):
    begin(gym)
    scored = []
    monkeypatch.setattr(run, "run_task", lambda task: scored.append(task.assay.name) or run_task(task))

    begin(gym)
    assert scored == ["LOST"]

    shutil.copy(gym / "structures" / "gb1.pdb", gym / "structures" / "lost.pdb")
    (gym / "data" / "LOST.csv").write_text("mutant,DMS_score\nM1A,1\nT2A,2\n")
    summary = begin(gym)
    assert scored == ["LOST", "LOST"]
    assert summary.missing["LOST", "blosum62"].startswith("2 mutants have a score and a label")


def test_the_largest_assay_is_scored_first(gym, monkeypatch):
    order = []
    monkeypatch.setattr(run, "run_tasks", lambda function, tasks, **_: order.extend(t.assay.name for t in tasks) or ())

    begin(gym)

    assert order == ["GB1_stable", "GB1_binding", "LOST"]


def test_a_changed_plan_is_refused(gym):
    begin(gym, assays=["GB1_stable"])

    with pytest.raises(ValueError, match=r"holds another benchmark: its scorers is \['blosum62', 'accessibility'\]"):
        begin(gym, scorers=["blosum62"])
    (gym / "reference.csv").write_text((gym / "reference.csv").read_text().replace(",40,", ",41,"))
    with pytest.raises(ValueError, match="its reference_sha256 is"):
        begin(gym)


def test_processes_leave_what_one_leaves(gym):
    begin(gym)
    begin(gym, out=gym / "two", workers=2)

    for file in ("Spearman.csv", "summary.csv", "scores/GB1_stable.csv", "results/GB1_binding.json"):
        assert (gym / "two" / file).read_bytes() == (gym / "out" / file).read_bytes()


def test_what_cannot_begin_is_said(gym):
    with pytest.raises(ValueError, match="`scorers` is empty"):
        begin(gym, scorers=[])
    with pytest.raises(ValueError, match="there is no scorer 'esm9'"):
        begin(gym, scorers=["esm9"])
    assert not (gym / "out").exists()


def test_results_are_json_without_nan(gym):
    begin(gym)

    text = result_file(gym / "out", "LOST").read_text()
    assert json.loads(text)["rows"] == []
    assert "NaN" not in "".join(file.read_text() for file in (gym / "out" / "results").iterdir())
