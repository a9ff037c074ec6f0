"""Answers in words, alone and in a grid of needles."""

from memory_llm.epman.asking import answer
from memory_llm.epman.reader import EpMANReader
from memory_llm.haystack import make_grid, run_grid


def test_answers_are_one_line_each_and_the_same_alone_and_together(make_epman, document):
    model = make_epman()
    memory = model.write(document)
    questions = ["what are roses?", "who jumps over the lazy dog in the garden?"]
    together = answer(model, questions, memory, max_new_tokens=6)
    assert together == [answer(model, [question], memory, max_new_tokens=6)[0] for question in questions]
    assert not any("\n" in text for text in together)


def test_it_is_a_reader_whose_cost_does_not_grow_with_the_text(make_epman, document):
    reader = EpMANReader(make_epman(attn_scope="narrow"))
    sentences = "Roses are red in the garden today. The fox sleeps all day long. " * 60
    haystacks = make_grid(sentences, reader.model.tokenizer, lengths=[300, 2000], depths=[0.5])
    result = run_grid(reader, haystacks, max_new_tokens=4, progress=False)
    assert len(result.answers) == 2
    moved = {one.bytes_moved for one in result.answers}
    assert max(moved) <= 2 * 16 * 2 * 3 * 2 * 8 * 4  # chunks, tokens, keys and values, layers, heads, width, bytes
