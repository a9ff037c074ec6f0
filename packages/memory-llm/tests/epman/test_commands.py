"""Documents are written, asked about, inspected and trained on from the command line."""

import json

import pytest

from memory_llm.cli import main
from memory_llm.commands import epman as commands


@pytest.fixture
def tiny(monkeypatch, make_epman):
    """The tiny model in place of the bundled one."""

    def build(model, retriever, adapter, dtype, settings):
        return make_epman(**settings)

    monkeypatch.setattr(commands, "build_model", build)


@pytest.fixture
def text(tmp_path, document):
    path = tmp_path / "document.txt"
    path.write_text(document)
    return path


def run(capsys, *arguments):
    code = main(["epman", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_document_is_written_added_to_inspected_and_asked(tiny, capsys, tmp_path, text):
    memory = tmp_path / "memory"
    writing = ("write", "--document", text, "--memory", memory, "--chunk_size", 16, "--json", "true")
    first = json.loads(run(capsys, *writing)[1])
    second = json.loads(run(capsys, *writing)[1])
    assert (first["documents"], second["documents"]) == (1, 2)
    assert second["chunks"] == 2 * first["chunks"]
    found = json.loads(run(capsys, "inspect", "--memory", memory, "--json", "true")[1])
    assert found["tokens"] == second["tokens"]
    assert found["chunk_size"] == 16
    assert found["retriever"] == "bundled:minilm"
    asking = ("ask", "--memory", memory, "--question", "roses are red", "--top_chunks", 1, "--attn_scope", "narrow")
    code, out, _ = run(capsys, *asking, "--show_chunks", "true", "--json", "true")
    answer = json.loads(out)
    assert (code, answer["question"]) == (0, "roses are red")
    assert len(answer["chunks"]) == 1
    assert "roses" in answer["chunks"][0]["text"]


def test_data_are_made_and_trained_on(tiny, capsys, tmp_path, text, document):
    text.write_text(document * 8)
    data, out = tmp_path / "episodes.jsonl", tmp_path / "out"
    making = ("make-data", "--documents", f"[{text}]", "--out", data, "--count", 4, "--chunks", 3, "--chunk_size", 32)
    assert run(capsys, *making)[0] == 0
    assert len(data.read_text().splitlines()) == 4
    assert run(capsys, "train", "--data", data, "--out", out, "--chunk_size", 32, "--accumulate", 2)[0] == 0
    assert (out / "adapter.safetensors").is_file()


def test_bad_input_gets_one_sentence_and_code_2(tiny, capsys, tmp_path, text):
    code, _, err = run(capsys, "ask", "--memory", tmp_path / "none", "--question", "what?")
    assert code == 2
    assert "no whole memory in" in err
    text.write_text("  ")
    code, _, err = run(capsys, "write", "--document", text, "--memory", tmp_path / "memory")
    assert code == 2
    assert "the document is empty" in err
    assert not (tmp_path / "memory").exists()
