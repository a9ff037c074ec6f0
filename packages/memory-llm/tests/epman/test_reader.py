"""EpMAN and the chunks in a prompt as readers: kept memories, cues, and what each of them is shown."""

import pytest

from memory_llm.epman import ChunksInPromptReader, EpMANReader, answer
from memory_llm.epman.memory import MEMORY_FILE
from memory_llm.haystack import LongReader


def test_a_reader_answers_as_its_model_does(make_epman, document):
    model = make_epman()
    reader = EpMANReader(model)
    assert isinstance(reader, LongReader)
    with pytest.raises(ValueError, match="no text has been taken in"):
        reader.ask("roses are", "", max_new_tokens=3)
    reader.ingest(document)
    memory = model.write(document)
    question = "what are roses"
    for cue in ("", "they are"):
        beginnings = [cue] if cue else None
        expected = answer(model, [question], memory, beginnings=beginnings, max_new_tokens=8)[0]
        assert reader.ask(question, cue, max_new_tokens=8) == expected
    assert reader.bytes_moved > 0


def test_a_kept_memory_is_read_once_and_gives_the_same_answers(make_epman, document, tmp_path, monkeypatch):
    model = make_epman()
    fresh, kept = EpMANReader(model), EpMANReader(model, memories=tmp_path)
    for reader in (fresh, kept):
        reader.ingest(document)
    expected = fresh.ask("what are roses", "", max_new_tokens=8)
    assert kept.ask("what are roses", "", max_new_tokens=8) == expected
    monkeypatch.setattr(model, "write", lambda *_, **__: pytest.fail("the text was read again"))
    kept.ingest(document)
    assert kept.ask("what are roses", "", max_new_tokens=8) == expected
    monkeypatch.undo()
    other = EpMANReader(make_epman(chunk_size=8), memories=tmp_path)
    other.ingest(document)  # other settings, another memory
    kept.ingest("roses are blue.")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_memory_cut_short_is_written_anew(make_epman, document, tmp_path):
    model = make_epman()
    reader = EpMANReader(model, memories=tmp_path)
    reader.ingest(document)
    expected = reader.ask("what are roses", "", max_new_tokens=8)
    (folder,) = tmp_path.iterdir()
    (folder / MEMORY_FILE).unlink()
    reader.ingest(document)
    assert reader.ask("what are roses", "", max_new_tokens=8) == expected


def test_the_prompt_holds_the_chunks_that_are_found_in_order_and_no_blank_at_its_end(make_epman, document, monkeypatch):
    model = make_epman(chunk_size=16, top_chunks=2, attn_scope="narrow")
    prompts = []

    def complete(decoder, tokenizer, prompt, **_):
        prompts.append(prompt)
        return type("Said", (), {"text": "red", "bytes_moved": 3})

    monkeypatch.setattr("memory_llm.epman.reader.complete", complete)
    reader = ChunksInPromptReader(model)
    with pytest.raises(ValueError, match="no text has been taken in"):
        reader.ask("roses are", "", max_new_tokens=3)
    reader.ingest(document)
    assert reader.ask("roses are lovely quick", "", max_new_tokens=3) == "red"
    assert reader.ask("roses are lovely quick", "They are", max_new_tokens=3) == "red"
    assert reader.bytes_moved == 3
    chunks, _ = model.reader.cut(document)
    scores = model.retriever.scores(["roses are lovely quick"], chunks, None)[0]
    first, second = sorted(scores.topk(2).indices.tolist())
    assert prompts[0] == f"{chunks[first]}{chunks[second]}\n\nQuestion: roses are lovely quick\nAnswer:"
    assert prompts[1] == f"{prompts[0]} They are"
