import csv
import json

import pytest

from protein_fitness.cli import main


def test_a_structure_file_gives_every_mutants_score(gb1_file, tmp_path, capsys):
    out = tmp_path / "scan.csv"

    assert main(["scan", "--structure", str(gb1_file), "--out", str(out), "--top", "3", "--json", "true"]) == 0

    best = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    told = json.loads(out.with_suffix(".json").read_text())
    assert len(rows) == 56 * 19
    assert best[0]["mutant"] == max(rows, key=lambda row: float(row["score"]))["mutant"]
    assert told["scorer"] == "blosum62+accessibility+contact_number"
    assert told["sequence"].startswith("MTYKLILNGK")


def test_a_saved_model_is_a_scorer_whose_weights_and_fallback_are_told(tmp_path, capsys):
    import torch

    from protein_fitness.encoders.letters import LetterEncoder
    from protein_fitness.model.config import S3FConfig
    from protein_fitness.model.s3f import S3FModel
    from protein_fitness.scoring.predictor import FitnessPredictor

    with torch.random.fork_rng(devices=[]):
        model = S3FModel(S3FConfig(encoder_width=21, node_scalars=8, num_layers=1, surface=False))
    FitnessPredictor(model, LetterEncoder()).save_pretrained(tmp_path / "model")
    out = tmp_path / "scan.csv"

    assert main(["scan", "--sequence", "MKV", "--scorer", str(tmp_path / "model"), "--out", str(out)]) == 0

    said = capsys.readouterr().err
    told = json.loads(out.with_suffix(".json").read_text())
    assert "There is no structure, so all mutants are scored by nothing" in said
    assert "0 mutants scored by s2f:mask-joint" in said
    assert told["notes"][0].endswith(" on letters@1.")


def test_a_table_is_scored_with_the_offset_that_the_error_names(gb1_file, tmp_path, capsys):
    table = tmp_path / "assay.csv"
    table.write_text("mutant,DMS_score\n" + "".join(f"L25{letter},{n}\n" for n, letter in enumerate("ACDEFGHIKMNP")))
    arguments = ["score", "--csv", str(table), "--structure", str(gb1_file), "--out", str(tmp_path / "out.csv")]

    assert main(arguments) == 2
    assert "offset" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()

    assert main([*arguments, "--offset", "20", "--json", "true"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scored"] == 12
    assert -1 <= told["spearman"] <= 1


def test_positions_without_a_column_are_told_and_kept(tmp_path, capsys):
    alignment, out = tmp_path / "x.a2m", tmp_path / "scan.csv"
    alignment.write_text(">target\nMKv\n>one\nMR.\n")

    assert main(["scan", "--sequence", "MKV", "--alignment", str(alignment), "--out", str(out)]) == 0

    note = "x.a2m has no column, and the frequencies of the whole alignment instead, at positions 3."
    assert note in capsys.readouterr().err
    assert note in json.loads(out.with_suffix(".json").read_text())["notes"]


def test_residue_numbers_lie_beside_the_scores_of_a_structure(gb1, gb1_file, tmp_path):
    sequence, structure = "GS" + gb1.sequence[:40] + "W" + gb1.sequence[41:50], ["--structure", str(gb1_file)]
    table = tmp_path / "assay.csv"
    table.write_text("mutant\nG1A\n")

    assert main(["scan", "--sequence", sequence, *structure, "--out", str(tmp_path / "scan.csv")]) == 0
    given = ["score", "--csv", str(table), "--sequence", sequence, *structure, "--scorer", "blosum62"]
    assert main([*given, "--out", str(tmp_path / "scored.csv")]) == 0

    beside = (tmp_path / "scan.map.csv").read_text()
    assert (tmp_path / "scored.map.csv").read_text() == beside
    rows = list(csv.DictReader(beside.splitlines()))
    assert [row["position"] for row in rows] == [str(place) for place in range(1, 53)]
    assert [row["residue"] for row in rows] == ["", "", *(str(label) for label in range(1, 51))]
    assert [row["residue_letter"] for row in rows] == ["", "", *gb1.sequence[:50]]
    assert rows[42] == {"position": "43", "letter": "W", "residue": "41", "residue_letter": "G"}


def test_without_a_structure_there_are_no_residue_numbers(tmp_path):
    assert main(["scan", "--sequence", "MKV", "--out", str(tmp_path / "scan.csv")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.csv", "scan.json"]


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path, capsys):
    assert main(["scan", "--structure", str(tmp_path / "none.pdb"), "--out", str(tmp_path / "scan.csv")]) == 2

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "none.pdb" in said
    assert not (tmp_path / "scan.csv").exists()


def test_neither_sequence_nor_structure_is_said(tmp_path, capsys):
    assert main(["scan", "--out", str(tmp_path / "scan.csv")]) == 2
    assert "neither a sequence nor a structure" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["scan", "score", "surface"])
def test_every_verb_has_its_help(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])

    assert ended.value.code == 0
    assert "--structure" in capsys.readouterr().out
