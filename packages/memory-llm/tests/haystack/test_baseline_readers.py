"""The readers put into the prompt what they say they do, and the model completes it."""

import re

import numpy as np
import pytest
import torch

from gpu_commons.testing import tiny_model
from memory_llm.haystack import completion
from memory_llm.haystack.baseline_readers import FullContextReader, RAGReader
from memory_llm.haystack.insertion import make_haystack
from memory_llm.haystack.needles import passkey


class WordEncoder:
    """Hashes words to axes: texts are as alike as the words they share."""

    def embed(self, texts):
        rows = np.zeros((len(texts), 4096))
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                rows[row, sum(ord(char) * 31**place for place, char in enumerate(word)) % 4096] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def prompts(monkeypatch, tokenizer):
    """What the model is given, decoded, with the length it is given at."""
    seen = []
    original = completion.complete

    def spy(model, tokenizer, prompt, **arguments):
        seen.append(prompt)
        return original(model, tokenizer, prompt, **arguments)

    monkeypatch.setattr("memory_llm.haystack.baseline_readers.complete", spy)
    return seen


@pytest.fixture
def haystack(book, tokenizer):
    return make_haystack(book, tokenizer, 6000, 0.4, passkey(np.random.default_rng(0)), 0)


def greedy(model, ids, steps):
    for _ in range(steps):
        ids = [*ids, int(model(torch.tensor([ids])).logits[0, -1].argmax())]
    return ids


def test_the_answer_is_the_greedy_continuation_of_text_question_and_cue(model, tokenizer):
    reader = FullContextReader(model, tokenizer)
    reader.ingest("The fox sleeps.")
    answer = reader.ask("Who sleeps?", "It is the", max_new_tokens=4)
    ids = tokenizer("The fox sleeps.\n\nQuestion: Who sleeps?\nAnswer: It is the")["input_ids"]
    written = greedy(model, ids, 4)[len(ids) :]
    assert answer == tokenizer.decode(written[: written.index(2)] if 2 in written else written)
    assert reader.bytes_moved == 2 * 8 * len(ids)
    assert not reader.truncated


def test_a_text_beyond_the_window_keeps_its_end_and_says_so(model, tokenizer, book):
    """The window of 512 positions is filled to the last: 500 tokens of prompt, 12 of answer."""
    reader = FullContextReader(model, tokenizer)
    reader.ingest(book)
    answer = reader.ask("Who?", "It is", max_new_tokens=12)
    prompt = tokenizer(f"{book}\n\nQuestion: Who?\nAnswer: It is")["input_ids"][-500:]
    assert reader.truncated
    assert reader.bytes_moved == 2 * 8 * 500
    expected = greedy(model, prompt, 12)[500:]
    assert answer == tokenizer.decode(expected[: expected.index(2)] if 2 in expected else expected)
    reader.ingest("Short.")
    reader.ask("Who?", "It is", max_new_tokens=12)
    assert not reader.truncated


def test_a_token_that_begins_every_text_survives_truncation(model, tokenizer, book, monkeypatch):
    seen = []
    monkeypatch.setattr(completion, "_beginning", lambda tokenizer: [tokenizer.bos_token_id])
    monkeypatch.setattr(model, "generate", lambda input_ids, **_: seen.append(input_ids) or input_ids)
    reader = FullContextReader(model, tokenizer, window=100)
    reader.ingest(book)
    reader.ask("Who?", "It is", max_new_tokens=10)
    assert seen[0].shape == (1, 90)
    assert seen[0][0, 0] == tokenizer.bos_token_id
    assert tokenizer.decode(seen[0][0]).endswith("Answer: It is")


def test_an_answer_longer_than_the_window_is_refused(model, tokenizer):
    reader = FullContextReader(model, tokenizer, window=10)
    reader.ingest("A text.")
    with pytest.raises(ValueError, match="`max_new_tokens` must leave room in the window of 10 tokens, got 10"):
        reader.ask("Who?", "It is", max_new_tokens=10)


def test_retrieval_finds_the_needle_and_puts_it_into_the_prompt(model, tokenizer, haystack, prompts):
    reader = RAGReader(model, tokenizer, WordEncoder(), top_k=2)
    reader.ingest(haystack.text)
    question, cue = haystack.needle.question, haystack.needle.cue
    assert any(haystack.needle.answer in passage.text for passage in reader.retrieve(question))
    reader.ask(question, cue, max_new_tokens=2)
    assert haystack.needle.answer in prompts[0]
    assert prompts[0].endswith(f"Question: {question}\nAnswer: {cue}")
    assert 0 < reader.bytes_moved < 2 * 8 * 300


def test_retrieved_segments_are_the_nearest_in_the_order_of_the_text(model, tokenizer, haystack):
    reader = RAGReader(model, tokenizer, WordEncoder(), top_k=5)
    reader.ingest(haystack.text)
    found = reader.retrieve(haystack.needle.question)
    assert [part.start_char for part in found] == sorted(part.start_char for part in found)
    query = WordEncoder().embed([haystack.needle.question])[0]
    worst = min(float(WordEncoder().embed([part.text])[0] @ query) for part in found)
    others = set(reader._segments) - set(found)
    assert len(found) == 5
    assert all(float(WordEncoder().embed([part.text])[0] @ query) <= worst + 1e-12 for part in others)


@pytest.mark.parametrize("kind", [FullContextReader, lambda *models: RAGReader(*models, WordEncoder())])
def test_asking_before_a_text_is_refused(model, tokenizer, kind):
    with pytest.raises(ValueError, match="call `ingest` before `ask`"):
        kind(model, tokenizer).ask("Who?", "It is", max_new_tokens=1)


def test_retrieving_nothing_is_refused(model, tokenizer):
    with pytest.raises(ValueError, match="`top_k` must be at least 1, got 0"):
        RAGReader(model, tokenizer, WordEncoder(), 0)


def test_a_model_without_positions_has_no_window():
    assert completion.window_of(tiny_model("mamba")) is None
    assert completion.window_of(tiny_model("llama")) == 512


def test_a_prompt_without_a_cue_ends_in_no_blank(model, tokenizer, monkeypatch):
    prompts = []

    def complete(model, tokenizer, prompt, **_):
        prompts.append(prompt)
        return completion.Completion("", 0, 0)

    monkeypatch.setattr("memory_llm.haystack.baseline_readers.complete", complete)
    reader = FullContextReader(model, tokenizer)
    reader.ingest("A text.")
    for cue in ("", "It is"):
        reader.ask("what?", cue, max_new_tokens=2)
    assert prompts == ["A text.\n\nQuestion: what?\nAnswer:", "A text.\n\nQuestion: what?\nAnswer: It is"]
