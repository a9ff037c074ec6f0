"""Every command alike: quick help, JSON on stdout, the promised exit codes, and nothing half-written on Ctrl-C."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from members import SHARED, members

import protein_fitness
from gpu_commons.testing import tiny_model, tiny_tokenizer

COMMANDS = [(each.name, each.import_name) for each in members() if each.name != SHARED]
STRUCTURE = Path(protein_fitness.__file__).parent / "data" / "1pga.pdb"
BAD_INPUT, INTERRUPTED = 2, 1
# Ctrl-C comes just before the file that was written aside would take the target's place.
INTERRUPTED_COMMAND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background begin without it
from {package}.cli import main
replace = os.replace
def interrupted(*paths, **options):
    os.replace = replace
    signal.raise_signal(signal.SIGINT)
    replace(*paths, **options)
os.replace = interrupted
sys.exit(main(sys.argv[1:]))
"""

every_command = pytest.mark.parametrize(("command", "package"), COMMANDS, ids=[name for name, _ in COMMANDS])


def run(command, *arguments, code=None, folder=None):
    start = [sys.executable, "-c", code or f"import sys; from {command} import main; sys.exit(main(sys.argv[1:]))"]
    return subprocess.run([*start, *arguments], capture_output=True, text=True, check=False, cwd=folder, timeout=300)


@pytest.fixture
def work(tmp_path):
    """A folder with a small input for each command."""
    for seed, name in enumerate(("domain", "aligned")):
        tiny_model(seed=seed).save_pretrained(tmp_path / name)
        tiny_tokenizer().save_pretrained(tmp_path / name)
    labelled = [
        {"text": f"{how} words, number {n}", "label": how == "kind"} for n in range(40) for how in ("kind", "rude")
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labelled))
    study = {"games": ["ipd"], "partners": ["single"], "agents": ["uniform"], "episodes": 2, "horizon": 5}
    (tmp_path / "study.json").write_text(json.dumps(study))
    return tmp_path


LEAVING_FILES = {
    "agent-tom": ["run", "--study", "study.json", "--out", "out"],
    "controlled-decoding": ["fit", "--data", "rows.jsonl", "--model", "aligned", "--out", "out"],
    "memory-llm": ["memreasoner", "make-data", "--task", "1", "--n", "5", "--out", "out.jsonl"],
    "protein-fitness": ["scan", "--structure", str(STRUCTURE), "--scorer", "blosum62", "--out", "out.csv"],
    "safe-finetune": ["merge", "--domain", "domain", "--aligned", "aligned", "--out", "out"],
}
"""A verb of each command that leaves files."""


def test_each_command_has_a_verb_that_leaves_files():
    assert LEAVING_FILES.keys() == {name for name, _ in COMMANDS}


@every_command
def test_help_takes_less_than_two_seconds_of_computing(command, package):
    run(f"{package}.cli", "--help")  # the first time, Python compiles
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(f"{package}.cli", "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {command}")
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 2


@every_command
def test_a_file_that_is_not_there_is_bad_input_told_in_a_sentence(command, package, work):
    wrong = {"study.json", "rows.jsonl", str(STRUCTURE), "domain", "5"}
    arguments = ["missing" if name in wrong else name for name in LEAVING_FILES[command]]
    done = run(f"{package}.cli", *arguments, folder=work)
    assert done.returncode == BAD_INPUT, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not list(work.glob("out*"))


@every_command
def test_an_unknown_verb_is_bad_input(command, package):
    done = run(f"{package}.cli", "no-such-verb")
    assert done.returncode == BAD_INPUT
    assert "no-such-verb" in done.stderr


@every_command
def test_ctrl_c_leaves_nothing_half_written_and_json_is_all_that_the_next_run_says(command, package, work):
    before = files_of(work)
    done = run(package, *LEAVING_FILES[command], code=INTERRUPTED_COMMAND.format(package=package), folder=work)
    assert done.returncode == INTERRUPTED, done.stderr
    assert "Traceback" not in done.stderr
    again = run(f"{package}.cli", *LEAVING_FILES[command], "--json", "true", folder=work)
    assert again.returncode == 0, again.stderr
    json.loads(again.stdout)
    whole = files_of(work) - before
    assert whole
    assert not [name for name in whole if "partial" in name or "tmp" in name], "debris"


def files_of(folder):
    return {os.path.relpath(path, folder) for path in Path(folder).rglob("*") if path.is_file()}
