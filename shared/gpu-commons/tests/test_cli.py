"""Verbs run, what is wrong with their input is said in one sentence, and results print in two forms."""

import json
import os
import subprocess
import sys

import pytest

from gpu_commons.cli import (
    BAD_INPUT,
    DONE,
    FAILED,
    FELL_SHORT,
    SERVER_FAILED,
    BudgetMissed,
    NotReady,
    Unfinished,
    logs_on_stderr,
    run_verbs,
    show,
)


def greet(name: str, times: int = 1) -> None:
    """Greet somebody.

    Args:
        name: Who.
        times: How often.
    """
    if times < 1:
        raise ValueError(f"`times` must be at least 1, got {times}.")
    show(" ".join(["hello", name] * times), as_json=False)


def interrupted() -> None:
    """Be stopped."""
    raise KeyboardInterrupt


def run(*arguments):
    return run_verbs({"greet": greet, "stop": interrupted}, command="tool", version="1.2", arguments=arguments)


def test_a_verb_is_run_with_its_options(capsys):
    assert run("greet", "--name", "Ann", "--times", "2") == DONE
    assert capsys.readouterr().out == "hello Ann hello Ann\n"


def test_waiting_threads_sleep_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    run("greet", "--name", "Ann")
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"

    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    run("greet", "--name", "Ann")
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_bad_input_is_one_sentence_on_stderr(capsys):
    assert run("greet", "--name", "Ann", "--times", "0") == BAD_INPUT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1] == "tool: `times` must be at least 1, got 0."


def test_an_interrupt_is_a_failure_without_a_traceback(capsys):
    assert run("stop") == FAILED
    assert "Traceback" not in capsys.readouterr().err


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as told:
        run("--version")
    assert told.value.code == 0
    assert capsys.readouterr().out == "tool 1.2\n"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("a text", "a text\n"),
        ({"edits": 3, "slowest": 1.5}, "edits: 3\nslowest: 1.5\n"),
        ([{"id": "a", "rank": 1}, {"id": "b", "rank": 2}], "id=a  rank=1\nid=b  rank=2\n"),
    ],
)
def test_results_print_for_people_and_as_json(capsys, result, text):
    show(result, as_json=False)
    assert capsys.readouterr().out == text
    show(result, as_json=True)
    assert json.loads(capsys.readouterr().out) == result


def test_importing_the_package_and_its_command_line_does_not_import_torch():
    check = "import sys, gpu_commons.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def fail(how: str) -> None:
    """Fail.

    Args:
        how: In which way.
    """
    raise {
        "server": ConnectionError("the server is gone."),
        "short": Unfinished("half is there."),
        "budget": BudgetMissed("too dear."),
        "missing": NotReady("torch is missing."),
    }[how]


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("server", SERVER_FAILED, "tool: the server is gone."),
        ("short", FELL_SHORT, "tool: half is there."),
        ("budget", FELL_SHORT, "tool: too dear."),
        ("missing", FAILED, "tool: torch is missing."),
    ],
)
def test_what_is_less_than_asked_for_has_its_own_exit_code(how, code, message, capsys):
    assert run_verbs({"fail": fail}, command="tool", version="1.2", arguments=["fail", "--how", how]) == code
    assert capsys.readouterr().err.splitlines()[-1] == message


@pytest.mark.parametrize(("rank", "told"), [("0", "hello Ann\n"), ("1", "")])
def test_of_several_processes_one_tells_the_result(monkeypatch, capsys, rank, told):
    monkeypatch.setenv("RANK", rank)
    assert run("greet", "--name", "Ann") == DONE
    assert capsys.readouterr().out == told


def test_what_a_library_prints_is_kept_off_stdout(capsys):
    with logs_on_stderr():
        sys.stdout.write("{'loss': 1}\n")
    show({"loss": 1}, as_json=True)

    said = capsys.readouterr()
    assert json.loads(said.out) == {"loss": 1}
    assert said.err == "{'loss': 1}\n"
