"""The command: help without torch, verbs on a tiny model, and one sentence with exit code 2 for bad input."""

import json
import socket
import subprocess
import sys

import pytest

from controlled_decoding.cli import main
from controlled_decoding.subspace import SubspaceClassifier


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory, model, tokenizer):
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    nouns = ["garden", "model", "text", "sun", "fox", "dog", "day", "state", "rose", "token", "sign", "number"]
    pairs = [(noun, word) for noun in nouns for word in ("lovely", "warm", "kind", "cold", "grim", "sour")]
    lines = [json.dumps({"text": f"the {n} is {w}", "label": int(w in ("lovely", "warm", "kind"))}) for n, w in pairs]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def artifact(tiny_folder, rows, tmp_path_factory):
    out = tmp_path_factory.mktemp("artifact")
    assert main(["fit", "--data", str(rows), "--out", str(out), "--model", str(tiny_folder), "--holdout", "0.3"]) == 0
    return out


def test_help_lists_every_verb_without_importing_torch():
    code = """
import sys
from controlled_decoding.cli import main
try:
    main(["--help"])
except SystemExit:
    assert "torch" not in sys.modules
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for verb in ("fit", "inspect", "calibrate", "generate", "evaluate", "trace", "serve", "convert", "doctor", "demo"):
        assert verb in shown


def test_fit_inspect_and_calibrate(artifact, rows, tiny_folder, tmp_path, capsys):
    assert main(["inspect", "--subspace", str(artifact), "--json", "true"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["attribute"] == "toxicity"
    assert facts["auc"] > 0.6
    out = tmp_path / "calibrated"
    options = ["--subspace", str(artifact), "--data", str(rows), "--model", str(tiny_folder), "--out", str(out)]
    assert main(["calibrate", *options]) == 0
    assert SubspaceClassifier.from_pretrained(out).provenance["calibration"] == "platt"


def test_layer_sweep_saves_nothing(rows, tiny_folder, tmp_path, capsys):
    out = tmp_path / "none"
    options = ["--data", str(rows), "--out", str(out), "--model", str(tiny_folder), "--holdout", "0.3"]
    assert main(["fit", *options, "--layer_sweep", "true", "--json", "true"]) == 0
    assert [row["layer"] for row in json.loads(capsys.readouterr().out)] == [1, 2, 3]
    assert not out.exists()


def test_generate_continues_every_prompt_of_a_file(artifact, tiny_folder, tmp_path, capsys):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("the fox\nthe sun and\nthe model\n")
    options = ["--subspace", str(artifact), "--model", str(tiny_folder), "--prompts", str(prompts), "--n", "2"]
    assert main(["generate", *options, "--max_new_tokens", "4", "--batch_size", "2", "--json", "true"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(answer["prompt_id"], answer["index"]) for answer in answers] == [
        (f"prompts:{line}", index) for line in (1, 2, 3) for index in (0, 1)
    ]


def test_trace_writes_a_page_and_the_data(artifact, tiny_folder, tmp_path):
    out = tmp_path / "trace.html"
    options = ["--subspace", str(artifact), "--model", str(tiny_folder), "--prompt", "the fox", "--out", str(out)]
    assert main(["trace", *options, "--max_new_tokens", "5"]) == 0
    assert "trace-view" in out.read_text()
    assert (tmp_path / "trace.1.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["inspect", "--subspace", "nowhere/at/all"], "no subspace in"),
        (["generate", "--subspace", "{artifact}", "--model", "{model}"], "either --prompt or --prompts"),
        (["generate", "--subspace", "{artifact}", "--model", "{model}", "--prompt", ""], "prompt 'prompt' is empty"),
        (["generate", "--subspace", "{artifact}", "--model", "./none", "--prompt", "a"], "no model folder at"),
        (["serve", "--subspace", "{artifact}", "--port", "{port}"], "is in use"),
        (["fit", "--data", "{broken}", "--out", "{out}", "--model", "{model}"], "line 2"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(arguments, sentence, artifact, tiny_folder, tmp_path, capsys):
    broken, out = tmp_path / "broken.jsonl", tmp_path / "out"
    broken.write_text('{"text": "a", "label": 1}\n{"text": "b"}\n')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        names = {
            "artifact": artifact,
            "model": tiny_folder,
            "port": taken.getsockname()[1],
            "broken": broken,
            "out": out,
        }
        assert main([argument.format(**names) for argument in arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("controlled-decoding: ")
    assert sentence in error
    assert not out.exists(), "nothing half-written stays"


def test_impossible_strength_is_one_sentence(artifact, tiny_folder, capsys):
    options = ["--subspace", str(artifact), "--model", str(tiny_folder), "--prompt", "a"]
    assert main(["generate", *options, "--sasa.strength", "-1"]) == 2
    assert "`strength` must be finite and >= 0, got -1" in capsys.readouterr().err
