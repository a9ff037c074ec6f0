import json

from gpu_commons.cli import run_verbs
from protein_fitness.commands.benchmark import bench


def verb(*arguments):
    return run_verbs(
        {"bench": bench}, command="protein-fitness", version="0", arguments=["bench", *map(str, arguments)]
    )


def test_a_benchmark_from_the_command_line(gym, capsys):
    folders = ("--reference", gym / "reference.csv", "--data", gym / "data", "--structures", gym / "structures")

    assert verb(*folders, "--out", gym / "out", "--scorers", '["accessibility"]', "--json", "true") == 0

    told = capsys.readouterr()
    rows = json.loads(told.out)
    assert [row["metric"] for row in rows] == ["Spearman", "AUC", "MCC", "NDCG", "Top_recall"]
    assert rows[0]["assays"] == 2
    assert "1 of 3 assays lack a value" in told.err


def test_an_unknown_scorer_is_one_sentence_and_exit_code_2(gym, capsys):
    folders = ("--reference", gym / "reference.csv", "--data", gym / "data", "--structures", gym / "structures")

    assert verb(*folders, "--out", gym / "out", "--scorers", '["esm9"]') == 2
    assert "there is no scorer 'esm9'" in capsys.readouterr().err
