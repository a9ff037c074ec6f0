"""``memory-llm epman eval``: the questions of a benchmark, answered by EpMAN or by what it is compared with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpu_commons.cli import show
from memory_llm.commands.defaults import DECODER, ENCODER, Dtype
from memory_llm.commands.epman import build_model

if TYPE_CHECKING:
    from memory_llm.epman.model import EpMANForCausalLM
    from memory_llm.haystack import LongReader
    from memory_llm.long_questions import LongQuestion

Reader = Literal["epman", "full-context", "retrieval"]
MADE = "made"


def evaluate_benchmark(
    bench: str,
    out: str,
    reader: Reader = "epman",
    lengths: list[str | int] | None = None,
    tasks: list[str] | None = None,
    count: int | None = None,
    model: str = DECODER,
    retriever: str = ENCODER,
    adapter: str | None = None,
    memory: str | None = None,
    chunk_size: int = 256,
    top_chunks: int = 5,
    attn_scope: Literal["narrow", "broad"] = "broad",
    a_mem_mode: Literal["uniform", "exact"] = "uniform",
    store: Literal["kv", "text"] = "kv",
    max_new_tokens: int | None = None,
    seed: int = 0,
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Ask the questions of a benchmark; each text is read once, and a killed run goes on where it was.

    Args:
        bench: File, folder, .zip or hub id of a data set in the layout of LV-Eval, LooGLE, LongBench, RULER or our own,
            or made for questions of RULER's kinds over a bundled book.
        out: Folder of the answers and of scores.md.
        reader: EpMAN, the decoder with the whole text in its window, or with the chunks found in its prompt.
        lengths: Only these levels of length, as 16k; with made, the lengths in tokens (4k is 4,096).
        tasks: Only these, as factrecall_en.
        count: At most so many questions of each task and length; all if absent, one with made.
        model: Hub id, folder, .gguf file or bundled:NAME of the decoder.
        retriever: As for write.
        adapter: Folder of a trained model; its settings are taken then.
        memory: Folder in which the memory of each text is kept for further runs; EpMAN only.
        chunk_size: Tokens of a chunk.
        top_chunks: Chunks that a question selects.
        attn_scope: With neighbours or without.
        a_mem_mode: Gates of the chunks found: all open, or by score.
        store: Keep keys and values, or text that is read anew.
        max_new_tokens: Longest answer; that of each task if absent.
        seed: Of made questions.
        dtype: Number format of the decoder.
        json: Scores as JSON on stdout.
    """
    from memory_llm.long_questions import run_questions

    if memory is not None and reader != "epman":
        raise ValueError(f"`memory` is for the reader epman, got it with {reader!r}; leave it out.")
    settings = {"chunk_size": chunk_size, "top_chunks": top_chunks, "store": store}
    opened = build_model(model, retriever, adapter, dtype, settings)
    opened.config.top_chunks, opened.config.attn_scope, opened.config.a_mem_mode = top_chunks, attn_scope, a_mem_mode
    questions = _questions(bench, [str(length) for length in lengths or ()], tasks, count, seed, opened)
    selection = {"top_chunks": top_chunks, "attn_scope": attn_scope, "a_mem_mode": a_mem_mode}
    result = run_questions(
        _reader(reader, opened, memory),
        questions,
        max_new_tokens=max_new_tokens,
        out=out,
        settings={**opened.origin, **selection},
    )
    Path(out, "scores.md").write_text(result.to_markdown() + "\n", encoding="utf-8")
    show([score.to_row() for score in result.scores], as_json=json)


def tokens_of(length: str) -> int:
    """A number of tokens, as 4096 or 4k.

    Raises:
        ValueError: If it is neither.
    """
    number, thousands = length.lower().removesuffix("k"), length.lower().endswith("k")
    if not number.isdecimal() or not int(number):
        raise ValueError(f"`lengths` must be numbers of tokens as 4096 or 4k, got {length!r}.")
    return int(number) * (1024 if thousands else 1)


def _questions(
    bench: str,
    lengths: list[str],
    tasks: list[str] | None,
    count: int | None,
    seed: int,
    model: "EpMANForCausalLM",
) -> "list[LongQuestion]":
    from memory_llm.haystack import bundled_book
    from memory_llm.long_questions import MADE_TASKS, make_questions, read_questions

    if count is not None and count < 1:
        raise ValueError(f"`count` must be at least 1, got {count}.")
    if bench == MADE:
        wanted: dict[str, Any] = {"tasks": tasks or MADE_TASKS, "per_cell": count or 1, "seed": seed}
        sizes = [tokens_of(length) for length in lengths or ["4k", "16k"]]
        return list(make_questions(bundled_book(), model.tokenizer, lengths=sizes, **wanted))
    taken: dict[tuple[str, str], int] = {}
    kept = []
    for question in read_questions(bench, tasks=tasks, levels=lengths):
        cell = (question.task, question.level)
        taken[cell] = taken.get(cell, 0) + 1
        if count is None or taken[cell] <= count:
            kept.append(question)
    return kept


def _reader(name: Reader, model: "EpMANForCausalLM", memory: str | None) -> "LongReader":
    from memory_llm.epman import ChunksInPromptReader, EpMANReader
    from memory_llm.haystack import FullContextReader

    if name == "full-context":
        return FullContextReader(model.decoder, model.tokenizer)
    return EpMANReader(model, memories=memory) if name == "epman" else ChunksInPromptReader(model)
