"""A memory can be added to, saved and opened, and serves only the model that wrote it."""

import json

import pytest
import torch

from memory_llm.epman.memory import EpisodicMemory


def logits(model, ids, memory):
    with torch.no_grad():
        return model(ids, reading=model.read("roses are", memory)).logits


@pytest.mark.parametrize("settings", [{}, {"kv_format": "int8"}, {"kv_format": "fp8"}, {"store": "text"}])
def test_a_saved_memory_gives_the_same_logits(make_epman, document, question, tmp_path, settings):
    model = make_epman(**settings)
    memory = model.write(document)
    memory.save_pretrained(tmp_path)
    again = model.load_memory(tmp_path)
    assert torch.equal(logits(model, question, again), logits(model, question, memory))
    assert again.texts == memory.texts
    assert "".join(again.texts) == document


def test_a_memory_in_mapped_files_is_that_of_the_process(make_epman, document, question, tmp_path):
    model = make_epman()
    mapped = model.write(document, folder=tmp_path, batch_size=3)
    assert torch.equal(logits(model, question, mapped), logits(model, question, model.write(document)))
    mapped.save_pretrained(tmp_path)
    assert torch.equal(logits(model, question, model.load_memory(tmp_path)), logits(model, question, mapped))


@pytest.mark.parametrize("kv_format", ["model", "int8"])
def test_adding_that_is_cut_short_leaves_the_memory_as_it_was(make_epman, document, question, tmp_path, kv_format):
    model = make_epman(kv_format=kv_format)
    model.write(document, folder=tmp_path).save_pretrained(tmp_path)
    expected = logits(model, question, model.load_memory(tmp_path))
    model.write("numbers such as 0 1 2 3.", model.load_memory(tmp_path))  # never saved
    again = model.load_memory(tmp_path)
    assert torch.equal(logits(model, question, again), expected)
    model.write("the fox sleeps.", again)
    again.save_pretrained(tmp_path)
    both = model.write("the fox sleeps.", model.write(document))
    assert torch.equal(logits(model, question, model.load_memory(tmp_path)), logits(model, question, both))


@pytest.mark.parametrize("mapped", [False, True])
def test_a_document_whose_reading_fails_leaves_nothing(make_epman, document, question, tmp_path, mapped):
    model, first = make_epman(), "numbers such as 0 1 2 3 and signs. the fox sleeps all day."
    memory = model.write(first, folder=tmp_path if mapped else None)
    before, read = len(memory), model.reader.read

    def failing(*arguments, **options):
        yield from list(read(*arguments, **options))[:2]
        raise KeyboardInterrupt

    model.reader.read = failing
    with pytest.raises(KeyboardInterrupt):
        model.write(document, memory, batch_size=2)
    model.reader.read = read
    assert (len(memory), len(memory.kv)) == (before, before)
    model.write(document, memory)
    expected = model.write(document, model.write(first))
    assert torch.equal(logits(model, question, memory), logits(model, question, expected))


@pytest.mark.parametrize("store", ["kv", "text"])
def test_documents_are_added(make_epman, document, question, store):
    model = make_epman(store=store)
    memory = model.write("numbers such as 0 1 2 3 and signs.")
    first = len(memory)
    assert model.write(document, memory) is memory
    assert memory.documents == [0] * first + [1] * (len(memory) - first)
    alone = model.write(document)
    chosen = model.read("roses are red", memory).selections[0].chunks
    assert chosen.tolist() == (model.read("roses are red", alone).selections[0].chunks + first).tolist()
    assert torch.allclose(logits(model, question, memory), logits(model, question, alone), atol=1e-5)


def test_another_model_other_settings_and_another_retriever_are_refused(make_epman, document, tmp_path):
    memory = make_epman().write(document)
    memory.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="was written with chunk_size=16, but the model has 8"):
        make_epman(chunk_size=8).load_memory(tmp_path)
    with pytest.raises(ValueError, match="was written with rope='on_read', but the model has 'stored'"):
        make_epman(rope="stored").read("roses", memory)
    half = make_epman(dtype=torch.bfloat16)
    half.origin["decoder"] = memory.origin["decoder"]  # weights of another type are other bytes, and told first
    with pytest.raises(ValueError, match="was written with dtype='float32', but the model has 'bfloat16'"):
        half.read("roses", memory)
    with pytest.raises(ValueError, match="was written with decoder="):
        make_epman("qwen").read("roses", memory)
    other = make_epman()
    other.retriever = type("Other", (type(other.retriever),), {"fingerprint": "another"})()
    with pytest.raises(ValueError, match="was written with retriever='common words', but the model has 'another'"):
        other.write(document, memory)


def test_files_that_are_cut_short_or_damaged_are_refused(make_epman, document, tmp_path):
    model = make_epman()
    with pytest.raises(FileNotFoundError, match="no whole memory"):
        model.load_memory(tmp_path)
    model.write(document).save_pretrained(tmp_path)
    kv, header = tmp_path / "kv.bin", tmp_path / "epman_memory.json"
    kv.write_bytes(kv.read_bytes()[:-10])
    with pytest.raises(ValueError, match="bytes of keys and values"):
        model.load_memory(tmp_path)
    fields = json.loads(header.read_text())
    header.write_text(json.dumps({**fields, "format_version": 9}))
    with pytest.raises(ValueError, match="format version 9"):
        EpisodicMemory.from_pretrained(tmp_path)
    header.write_text(header.read_text()[:-20])
    with pytest.raises(ValueError, match="damaged"):
        EpisodicMemory.from_pretrained(tmp_path)
