"""The novel through EpMAN: the decoder attends to the few chunks that are found for a question."""

from gpu_commons import SentenceEncoder
from gpu_commons.page import Section, table_fragment
from memory_llm.demo.novel import NOVEL_QUESTIONS
from memory_llm.epman import EmbeddingRetriever, EpMANForCausalLM, answer
from memory_llm.larimar.pipeline import Larimar

CHUNK_SIZE, TOP_CHUNKS = 64, 3


def show_chunks(larimar: Larimar, novel: str) -> tuple[list[Section], list[str]]:
    """Sections of the page, and lines for the terminal alone."""
    model = EpMANForCausalLM.from_base(
        larimar.model.decoder,
        larimar.tokenizer,
        EmbeddingRetriever(SentenceEncoder()),
        chunk_size=CHUNK_SIZE,
        top_chunks=TOP_CHUNKS,
        attn_scope="narrow",
        store="text",
    )
    memory = model.write(novel)
    questions, cues = zip(*NOVEL_QUESTIONS, strict=True)
    said = answer(model, questions, memory, beginnings=cues, max_new_tokens=12)
    chunks = [selection.chunks.tolist() for selection in model.read(questions, memory).selections]
    rows = [
        [question, cue, text, "; ".join(f"{one}: {' '.join(memory.texts[one].split())}" for one in read)]
        for question, cue, text, read in zip(questions, cues, said, chunks, strict=True)
    ]
    section = Section(
        "The same novel, chunk by chunk",
        f"EpMAN keeps the novel as {len(memory)} chunks of {CHUNK_SIZE} tokens and attends to the {TOP_CHUNKS} that are "
        "found for a question. The decoder has no adapters here and never learnt to read chunks apart: where a chunk with "
        "the answer is found, it still often says something else.",
        table_fragment(["question", "cue", "answer", "chunks it read"], rows),
    )
    return [section], [f"EpMAN: {question} {cue} > {text}" for question, cue, text, _ in rows]
