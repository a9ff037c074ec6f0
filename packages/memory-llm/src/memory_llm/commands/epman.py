"""``memory-llm epman``: write long documents to a memory, ask it, make data, train and judge."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpu_commons.cli import logs_on_stderr, show
from memory_llm.commands.defaults import DECODER, ENCODER, Dtype

if TYPE_CHECKING:
    from memory_llm.epman.memory import EpisodicMemory
    from memory_llm.epman.model import EpMANForCausalLM
    from memory_llm.epman.retrievers import Retriever


def write(
    document: str,
    memory: str,
    model: str = DECODER,
    retriever: str = ENCODER,
    adapter: str | None = None,
    chunk_size: int = 256,
    prefill: Literal["independent", "sliding", "full"] = "independent",
    context_chunks: int = 1,
    header: str = "",
    store: Literal["kv", "text"] = "kv",
    kv_format: Literal["model", "int8", "fp8"] = "model",
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Read a text file into a memory; a memory that is there already gets it as a further document.

    Args:
        document: A UTF-8 text.
        memory: Folder of the memory.
        model: Hub id, folder, .gguf file or bundled:NAME of the decoder.
        retriever: Hub id, folder or bundled:NAME of a sentence encoder, bm25, or QUESTION_ENCODER,CHUNK_ENCODER.
        adapter: Folder of a trained model; its settings are taken then.
        chunk_size: Tokens of a chunk.
        prefill: Read chunks alone, after those before them, or all in one window.
        context_chunks: How many before them.
        header: Text before the chunks, such as the beginning of a chat.
        store: Keep keys and values, or text that is read anew.
        kv_format: Number format of kept keys and values.
        dtype: Number format of the decoder.
        json: Result as JSON on stdout.
    """
    from memory_llm.epman.memory import MEMORY_FILE

    there = (Path(memory) / MEMORY_FILE).is_file()
    if there:
        opened, reader = _opened(memory, dtype=None)
    else:
        settings = {"chunk_size": chunk_size, "prefill": prefill, "context_chunks": context_chunks, "header": header}
        settings |= {"store": store, "kv_format": kv_format}
        reader = build_model(model, retriever, adapter, dtype, settings)
        opened = None
    text = Path(document).expanduser().read_text(encoding="utf-8")
    written = reader.write(text, opened, folder=None if there or store == "text" else memory, progress=True)
    written.provenance = written.provenance or {
        "model": model,
        "retriever": retriever,
        "adapter": adapter,
        "dtype": dtype,
    }
    written.save_pretrained(memory)
    show({"saved": memory, **_facts(written)}, as_json=json)


def ask(
    memory: str,
    question: str,
    attn_scope: Literal["narrow", "broad"] = "broad",
    a_mem_mode: Literal["uniform", "exact"] = "uniform",
    top_chunks: int = 5,
    max_new_tokens: int = 48,
    show_chunks: bool = False,
    json: bool = False,
) -> None:
    """Ask a memory.

    Args:
        memory: Folder of the memory.
        question: The question.
        attn_scope: Attend to the chunks found, or to their neighbours too.
        a_mem_mode: Gates of the chunks found: all open, or by score.
        top_chunks: Chunks to find.
        max_new_tokens: Longest answer.
        show_chunks: Tell which chunks were read, with gates and text.
        json: Result as JSON on stdout.
    """
    from memory_llm.epman.asking import answer

    opened, model = _opened(memory)
    model.config.attn_scope, model.config.a_mem_mode, model.config.top_chunks = attn_scope, a_mem_mode, top_chunks
    said = answer(model, [question], opened, max_new_tokens=max_new_tokens)[0]
    if not show_chunks:
        show({"question": question, "answer": said} if json else said, as_json=json)
        return
    selection = model.read(question, opened).selections[0]
    chunks = [
        {"chunk": chunk, "gate": gate, "text": " ".join(opened.texts[chunk].split())}
        for chunk, gate in zip(selection.chunks.tolist(), selection.gates.tolist(), strict=True)
    ]
    show(
        {"question": question, "answer": said, "chunks": chunks} if json else [{"answer": said}, *chunks], as_json=json
    )


def inspect(memory: str, json: bool = False) -> None:
    """Show what a memory holds, and what wrote it.

    Args:
        memory: Folder of the memory.
        json: Result as JSON on stdout.
    """
    from memory_llm.epman.memory import EpisodicMemory

    opened = EpisodicMemory.from_pretrained(memory)
    show({**_facts(opened), **opened.origin, **opened.provenance}, as_json=json)


def make_data(
    documents: list[str],
    out: str,
    count: int = 1000,
    chunks: int = 16,
    chunk_size: int = 256,
    model: str = DECODER,
    retriever: str = ENCODER,
    invented: float = 0.5,
    hard: float = 0.5,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Make episodes to train on from plain texts.

    Args:
        documents: UTF-8 texts.
        out: File of the episodes (.jsonl).
        count: Episodes.
        chunks: Of an episode.
        chunk_size: Tokens of a chunk.
        model: Decoder, whose tokenizer cuts chunks.
        retriever: Finds the distractors that are near the question.
        invented: Share of questions about invented facts; the others ask how a sentence goes on.
        hard: Share of distractors that are near the question.
        seed: Of all draws.
        json: Result as JSON on stdout.
    """
    from memory_llm.epman.episode import write_episodes
    from memory_llm.epman.make_episodes import EpisodeMaker

    reader = build_model(model, retriever, None, "auto", {"chunk_size": chunk_size})
    texts = [Path(document).expanduser().read_text(encoding="utf-8") for document in documents]
    maker = EpisodeMaker(
        texts,
        lambda text: reader.reader.cut(text)[0],
        reader.retriever,
        num_chunks=chunks,
        invented=invented,
        hard=hard,
    )
    write_episodes(maker.make(count, seed=seed), out)
    show({"saved": out, "episodes": count}, as_json=json)


def train(
    data: str,
    out: str,
    model: str = DECODER,
    retriever: str = ENCODER,
    chunk_size: int = 256,
    top_chunks: int = 5,
    attn_scope: Literal["narrow", "broad"] = "broad",
    gates: Literal["noisy", "uniform", "exact"] = "noisy",
    epochs: float = 1.0,
    batch_size: int = 1,
    accumulate: int = 8,
    learning_rate: float = 1e-4,
    train_retriever: bool = False,
    seed: int = 0,
    resume: bool = False,
    dtype: Dtype = "auto",
) -> None:
    """Train adapters of a decoder on episodes.

    Args:
        data: Episodes (JSONL or Parquet with question, answer, chunks, gold).
        out: Folder of the result.
        model: Hub id, folder, .gguf file or bundled:NAME of the decoder.
        retriever: As for write.
        chunk_size: Tokens of a chunk; longer ones are cut.
        top_chunks: Chunks that a question selects.
        attn_scope: With neighbours or without.
        gates: Of the selected chunks.
        epochs: Passes over the episodes.
        batch_size: Episodes of a forward pass.
        accumulate: Forward passes of a step.
        learning_rate: At its height.
        train_retriever: Train a head on the retriever's questions too.
        seed: Of order, gates and adapters.
        resume: Go on from the last checkpoint.
        dtype: Number format of the decoder.
    """
    from memory_llm.epman.episode import read_episodes
    from memory_llm.epman.train import train_epman

    settings = {"chunk_size": chunk_size, "top_chunks": top_chunks, "attn_scope": attn_scope}
    with logs_on_stderr():
        train_epman(
            build_model(model, retriever, None, dtype, settings),
            read_episodes(data),
            out,
            epochs=epochs,
            batch_size=batch_size,
            accumulate=accumulate,
            learning_rate=learning_rate,
            gates=gates,
            train_retriever=train_retriever,
            seed=seed,
            resume=resume,
        )
    show(out, as_json=False)


def build_model(
    model: str, retriever: str, adapter: str | None, dtype: str, settings: dict[str, Any]
) -> "EpMANForCausalLM":
    """The model that the options of a verb name."""
    from gpu_commons import load_model
    from memory_llm.epman.adapter import load_epman
    from memory_llm.epman.model import EpMANForCausalLM

    decoder, tokenizer = load_model(model, dtype=dtype)
    if adapter is not None:
        return load_epman(adapter, decoder, tokenizer, _retriever(retriever))
    return EpMANForCausalLM.from_base(decoder, tokenizer, _retriever(retriever), **settings)


def _retriever(source: str) -> "Retriever":
    from gpu_commons import SentenceEncoder
    from memory_llm.epman.retrievers import BM25Retriever, EmbeddingRetriever, HFDualEncoder

    if source == "bm25":
        return BM25Retriever()
    question, _, chunk = source.partition(",")
    return HFDualEncoder(question, chunk) if chunk else EmbeddingRetriever(SentenceEncoder(source))


def _opened(memory: str, dtype: str | None = None) -> "tuple[EpisodicMemory, EpMANForCausalLM]":
    """A memory and the model that wrote it."""
    from memory_llm.epman.memory import EpisodicMemory
    from memory_llm.epman.model import OF_READING

    opened = EpisodicMemory.from_pretrained(memory)
    source = opened.provenance
    if not source:
        raise ValueError(f"{memory} does not say which models wrote it; open it in Python with the model that did.")
    settings = {name: opened.origin[name] for name in OF_READING}
    model = build_model(source["model"], source["retriever"], source["adapter"], dtype or source["dtype"], settings)
    opened.check(model.origin)
    return opened, model


def _facts(memory: "EpisodicMemory") -> dict[str, Any]:
    size = 0 if memory.kv is None else memory.kv.nbytes
    return {
        "documents": memory.num_documents,
        "chunks": len(memory),
        "tokens": memory.num_tokens,
        "kv_mebibytes": round(size / 2**20, 1),
    }
