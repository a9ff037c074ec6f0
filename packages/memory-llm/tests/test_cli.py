"""The command line parses, says what is wrong in one sentence, and prints what the API gives."""

import json
import subprocess
import sys

import pytest

from memory_llm.cli import main
from memory_llm.commands import larimar as commands


@pytest.fixture
def tiny(monkeypatch, larimar):
    """The tiny model in place of the bundled one."""
    monkeypatch.setattr(commands, "_larimar", lambda connector: larimar)


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


FACT = ("--prompt", "the fox sleeps in the", "--target", "sun", "--id", "fox")


def test_facts_are_written_listed_asked_and_forgotten(tiny, capsys, tmp_path):
    memory = tmp_path / "memory"
    code, out, _ = run(capsys, "larimar", "write", "--memory", memory, *FACT, "--json", "true")
    assert (code, json.loads(out)["ids"]) == (0, ["fox"])
    rows = tmp_path / "facts.jsonl"
    rows.write_text('{"prompt": "roses are", "target": "red", "id": "rose"}\n')
    assert run(capsys, "larimar", "write", "--memory", memory, "--data", rows)[0] == 0
    listed = json.loads(run(capsys, "larimar", "list", "--memory", memory, "--json", "true")[1])
    assert listed == [{"id": "fox", "text": "the fox sleeps in the sun."}, {"id": "rose", "text": "roses are red."}]
    code, out, _ = run(capsys, "larimar", "ask", "--memory", memory, "--prompt", "roses are", "--json", "true")
    assert (code, json.loads(out)["prompt"]) == (0, "roses are")
    found = json.loads(run(capsys, "larimar", "read", "--memory", memory, "--prompt", "roses are", "--json", "true")[1])
    assert found["nearest"][0][0] == "rose"
    assert run(capsys, "larimar", "forget", "--memory", memory, "--ids", "[fox]")[0] == 0
    facts = json.loads(run(capsys, "larimar", "info", "--memory", memory, "--json", "true")[1])
    assert (facts["used"], facts["addressing"]) == (1, "slot")
    assert facts["worst_residual"] < 1e-6


def test_memories_merge_into_a_third(tiny, capsys, tmp_path):
    one, other, out = (tmp_path / name for name in ("one", "other", "out"))
    run(capsys, "larimar", "write", "--memory", one, *FACT)
    run(capsys, "larimar", "write", "--memory", other, "--prompt", "roses are", "--target", "red", "--id", "rose")
    code, text, _ = run(capsys, "larimar", "merge", "--memory", one, "--other", other, "--out", out, "--json", "true")
    assert (code, json.loads(text)["facts"]) == (0, 2)


def test_prompts_come_from_a_file(tiny, capsys, tmp_path):
    run(capsys, "larimar", "write", "--memory", tmp_path / "m", *FACT)
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("roses are\nthe fox\n")
    code, out, _ = run(capsys, "larimar", "ask", "--memory", tmp_path / "m", "--prompts", prompts, "--json", "true")
    assert [json.loads(line)["prompt"] for line in out.splitlines()] == ["roses are", "the fox"]
    prompts.write_text("roses are\n\n")
    code, _, err = run(capsys, "larimar", "ask", "--memory", tmp_path / "m", "--prompts", prompts)
    assert code == 2
    assert "line 2: is empty" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("larimar", "write", "--memory", "m"), "give either --data, or --prompt with --target."),
        (("larimar", "write", "--memory", "m", "--prompt", "a"), "give either --data, or --prompt with --target."),
        (("larimar", "ask", "--memory", "m"), "give either --prompt or --prompts."),
        (("larimar", "ask", "--memory", "m", "--prompt", "a"), "no memory at"),
        (("larimar", "forget", "--memory", "m", "--ids", "[a]"), "no memory at"),
        (("haystack", "eval", "--haystacks", "none.jsonl", "--out", "o"), "none.jsonl"),
    ],
)
def test_bad_input_gets_one_sentence_and_code_2(tiny, monkeypatch, capsys, tmp_path, larimar, arguments, message):
    from memory_llm.larimar.pipeline import Larimar

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Larimar, "from_connector", classmethod(lambda cls, *_, **__: larimar))
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_unknown_ids_are_named_and_the_memory_stays(tiny, capsys, tmp_path):
    run(capsys, "larimar", "write", "--memory", tmp_path / "m", *FACT)
    code, _, err = run(capsys, "larimar", "forget", "--memory", tmp_path / "m", "--ids", "[dog]")
    assert code == 2
    assert "no fact has the id 'dog'; the memory holds 1 facts" in err
    assert "fox" in run(capsys, "larimar", "list", "--memory", tmp_path / "m")[1]


def test_help_does_not_wait_for_torch():
    script = (
        "import sys; from memory_llm.cli import main\n"
        "try: main(['larimar', '--help'])\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
