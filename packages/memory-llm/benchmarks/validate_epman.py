"""Six novels by Jane Austen asked through EpMAN, from 16 thousand tokens to all of them.

Questions are about invented facts that were planted, about sentences of the text, and, of all novels together, about
what happens in them. Readers are EpMAN, narrow and broad, as it comes and with adapters of train_epman;
retrieval with the same scores and the same number of chunks in the prompt, likewise; and the decoder with as much of
the text's end as its window holds. A decoder without adapters is given the beginning of the answering sentence, where
there is one, as it answers next to nothing otherwise; adapters have learnt to answer a question. Of long texts, chunks
are kept as text and read when they are selected, which gives the same columns as keeping keys and values.

Corpora are made once, with the retriever's scores, and kept in ``--work``, and so are the answers of each reader; for
other models and adapters name another folder.
"""

import argparse
import copy
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from known_scores import KnownScores
from novel_questions import Corpus, Question, make_corpus
from tqdm import tqdm

from gpu_commons import Figure, SentenceEncoder, load_model, write_record
from gpu_commons.cache_name import cache_argument, cache_of
from memory_llm.epman import EmbeddingRetriever, EpisodicMemory, EpMANForCausalLM, answer, load_epman
from memory_llm.epman.asking import QUESTION
from memory_llm.epman.chunk_reader import ChunkReader, header_ids
from memory_llm.epman.config import EpMANConfig
from memory_llm.haystack import bundled_book, is_correct, read_book
from memory_llm.haystack.completion import window_of
from memory_llm.haystack.wilson import wilson_rate

RESULTS = Path(__file__).parent / "results"
LENGTHS = (16_000, 64_000, 256_000, None)
PLANTED, SENTENCES = 40, 40
TOP_CHUNKS, NEW_TOKENS, BATCH = 5, 16, 40
KEPT_CHUNKS = 300  # longer texts are cheaper to read anew, chunk by chunk, than to keep
END, ASKED_OF_END = "end of the text in the window", 10  # of each kind of question, since a window is long to read
Reader = Callable[[Sequence[Question]], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "validate_epman", help="corpora and answers")
    parser.add_argument("--books", type=Path, help="folder of the six novels; Pride and Prejudice alone if absent")
    parser.add_argument("--adapters", type=Path, help="the --work of train_epman")
    parser.add_argument("--decoder", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--encoder", default="bundled:minilm")
    parser.add_argument("--longest", type=int, help="leave longer texts out, for a trial")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    if run.longest is not None:
        if run.longest < LENGTHS[0]:
            parser.error(
                f"--longest is {run.longest}, and the shortest text has {LENGTHS[0]} tokens; give that or more"
            )
        run.work = run.work / f"trial_{run.longest}"  # what a trial leaves must not pass for a whole run's
    if not list(run.work.glob("corpus_*.json")):
        make_corpora(run)
    decoder, tokenizer = load_model(run.decoder, dtype="bfloat16")
    figures = []
    for path in sorted(run.work.glob("corpus_*.json"), key=lambda one: one.stat().st_size):
        corpus, rows = load_corpus(path)
        chunks, _ = ChunkReader(EpMANConfig(), decoder, tokenizer).cut(corpus.text)
        scores = KnownScores((one.question, chunks, row) for one, row in zip(corpus.questions, rows, strict=True))
        length = len(tokenizer(corpus.text, add_special_tokens=False, verbose=False)["input_ids"])
        bare = EpMANForCausalLM(config_for(len(chunks)), decoder, tokenizer, scores).eval()
        for name, make in readers(bare, corpus, run.adapters):
            questions = first_of_each(corpus.questions, ASKED_OF_END) if name == END else corpus.questions
            out = run.work / f"answers_{length}_{name.replace(', ', ' ').replace(' ', '-')}.json"
            if not out.exists():
                out.write_text(json.dumps(ask_all(make(), questions, f"{length} {name}")), encoding="utf-8")
            figures += rates(questions, json.loads(out.read_text(encoding="utf-8")), length, name)
        figures.append(found_rate(corpus, chunks, scores, length))
    path = write_record(
        "validate_epman",
        results_dir=run.results,
        command="python benchmarks/validate_epman.py"
        + (" --books BOOKS" if run.books else "")
        + (" --adapters ADAPTERS" if run.adapters else ""),
        config={
            "books": run.books.name if run.books else "pride-and-prejudice",
            "chunks": TOP_CHUNKS,
            "decoder": Path(run.decoder).name,
            "adapters": "noisy and retrieval, seed 0, of train_epman with its defaults" if run.adapters else None,
            "gates": "uniform",
            "interval": "95 %, Wilson",
        },
        seeds=[run.seed],
        figures=figures,
        shortened=run.longest is not None,
    )
    print(path.name, file=sys.stderr)


# Corpora


def make_corpora(run: argparse.Namespace) -> None:
    """A corpus for every length, with the retriever's scores of all its chunks for every question."""
    decoder, tokenizer = load_model(run.decoder)
    retriever = EmbeddingRetriever(SentenceEncoder(run.encoder))
    cut = ChunkReader(EpMANConfig(), decoder, tokenizer).cut
    text = read_book(run.books) if run.books else bundled_book()
    run.work.mkdir(parents=True, exist_ok=True)
    starts = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    rows = {}
    for length in LENGTHS:
        if length is not None and length >= len(starts):
            continue
        if run.longest is not None and (length or len(starts)) > run.longest:
            continue
        beginning = text if length is None else text[: starts[length][0]]
        corpus = make_corpus(
            beginning,
            planted=PLANTED,
            sentences=SENTENCES,
            asked=length is None and run.books is not None,
            seed=run.seed,
        )
        chunks, _ = cut(corpus.text)
        encoded = retriever.encode_chunks(chunks)
        scores = retriever.scores([one.question for one in corpus.questions], chunks, encoded)
        rounded = [[round(score, 4) for score in row] for row in scores.tolist()]
        rows[f"corpus_{length or 'all'}.json"] = {**asdict(corpus), "scores": rounded}
    for name, row in rows.items():  # at the end, so that a killed run leaves none
        (run.work / name).write_text(json.dumps(row), encoding="utf-8")


def load_corpus(path: Path) -> tuple[Corpus, list[list[float]]]:
    """A corpus, and for each question the retriever's scores of all chunks."""
    row = json.loads(path.read_text(encoding="utf-8"))
    return Corpus(text=row["text"], questions=tuple(Question(**one) for one in row["questions"])), row["scores"]


# Readers


def readers(
    bare: EpMANForCausalLM, corpus: Corpus, adapters: Path | None
) -> Iterator[tuple[str, Callable[[], Reader]]]:
    """All readers of a corpus by name, to be made when they are wanted."""
    yield from epman_readers("as it comes", lambda: bare, corpus, cued=True)
    yield "retrieval, as it comes", lambda: retrieval(bare, corpus, cued=True)
    if adapters:
        yield from epman_readers("trained", lambda: tuned(adapters / "noisy_0", bare), corpus, cued=False)
        yield "retrieval, trained", lambda: retrieval(tuned(adapters / "retrieval_0", bare), corpus, cued=False)
    yield END, lambda: end_of_text(bare, corpus)


def config_for(num_chunks: int) -> EpMANConfig:
    """Settings of all EpMAN readers of a corpus."""
    return EpMANConfig(top_chunks=TOP_CHUNKS, store="kv" if num_chunks <= KEPT_CHUNKS else "text")


def tuned(folder: Path, bare: EpMANForCausalLM) -> EpMANForCausalLM:
    """With adapters, on a copy of the decoder."""
    model = load_epman(folder, copy.deepcopy(bare.decoder), bare.tokenizer, bare.retriever)
    return EpMANForCausalLM(copy.deepcopy(bare.config), model.decoder, bare.tokenizer, bare.retriever).eval()


def epman_readers(
    name: str, load: Callable[[], EpMANForCausalLM], corpus: Corpus, *, cued: bool
) -> Iterator[tuple[str, Callable[[], Reader]]]:
    """Narrow and broad, over one memory."""

    @cache
    def written() -> tuple[EpMANForCausalLM, EpisodicMemory]:
        model = load()
        return model, model.write(corpus.text, progress=True)

    def make(scope: str) -> Reader:
        model, memory = written()

        def ask(questions: Sequence[Question]) -> list[str]:
            model.config.attn_scope = scope
            asked, cues = [one.question for one in questions], [one.cue for one in questions]
            return answer(model, asked, memory, beginnings=cues if cued else None, max_new_tokens=NEW_TOKENS)

        return ask

    for scope in ("narrow", "broad"):
        yield f"EpMAN {scope}, {name}", partial(make, scope)


def retrieval(model: EpMANForCausalLM, corpus: Corpus, *, cued: bool) -> Reader:
    """The chunks that EpMAN selects, in their order, as a prompt before the question."""
    chunks, tokens = model.reader.cut(corpus.text)
    header = header_ids(model.tokenizer, model.config.header)

    def ask(questions: Sequence[Question]) -> list[str]:
        scores = model.retriever.scores([one.question for one in questions], chunks, torch.zeros(0, 0))
        found = scores.topk(TOP_CHUNKS).indices.sort(-1).values.tolist()
        before = [header + [i for one in row for i in tokens[one]] for row in found]
        return completed(model, questions, before, cued=cued)

    return ask


def end_of_text(model: EpMANForCausalLM, corpus: Corpus) -> Reader:
    """As much of the text's end as the decoder's window holds with question and answer."""
    header = header_ids(model.tokenizer, model.config.header)
    room = window_of(model.decoder) - len(header) - NEW_TOKENS - 100
    end = model.tokenizer(corpus.text, add_special_tokens=False, verbose=False)["input_ids"][-room:]

    with torch.inference_mode():
        read = model.decoder(torch.tensor([header + end], device=model.decoder.device), logits_to_keep=1)

    def ask(questions: Sequence[Question]) -> list[str]:
        said = []
        for question in questions:
            cache = copy.deepcopy(cache_of(read))
            said += completed(
                model, [question], [header + end], cued=True, **cache_argument(model.decoder.forward, cache)
            )
        return said

    return ask


@torch.inference_mode()
def completed(
    model: EpMANForCausalLM,
    questions: Sequence[Question],
    before: Sequence[list[int]],
    *,
    cued: bool,
    **generation: Any,
) -> list[str]:
    """Answers of the decoder alone to questions behind what is to be read, in one line each."""
    tokenizer = model.tokenizer
    cues = [f" {one.cue}" if cued and one.cue else "" for one in questions]
    texts = [QUESTION.format(one.question) + cue for one, cue in zip(questions, cues, strict=True)]
    asked = tokenizer(texts, add_special_tokens=False)["input_ids"]
    prompts = {"input_ids": [ids + own for ids, own in zip(before, asked, strict=True)]}
    batch = tokenizer.pad(prompts, padding_side="left", return_tensors="pt").to(model.decoder.device)
    written = model.decoder.generate(
        **batch, **generation, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id
    )
    said = tokenizer.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip().split("\n")[0] for text in said]


def first_of_each(questions: Sequence[Question], count: int) -> list[Question]:
    """So many of each kind."""
    kinds = dict.fromkeys(one.kind for one in questions)
    return [one for kind in kinds for one in [one for one in questions if one.kind == kind][:count]]


def ask_all(reader: Reader, questions: Sequence[Question], name: str) -> list[bool]:
    """Whether each question was answered."""
    found = []
    for start in tqdm(range(0, len(questions), BATCH), desc=name):
        batch = questions[start : start + BATCH]
        said = reader(batch)
        found += [is_correct(text, one.answer) for text, one in zip(said, batch, strict=True)]
    return found


# What is told


def rates(questions: Sequence[Question], right: Sequence[bool], length: int, reader: str) -> list[Figure]:
    """By kind of question."""
    figures = []
    for kind in dict.fromkeys(one.kind for one in questions):
        mine = [answered for one, answered in zip(questions, right, strict=True) if one.kind == kind]
        figures.append(figure(f"{kind}, {length} tokens, {reader}", mine))
    return figures


def found_rate(corpus: Corpus, chunks: Sequence[str], scores: KnownScores, length: int) -> Figure:
    """How often the chunk of a planted fact is among those that the retriever selects: the bound of all who use it."""
    found = []
    for one in corpus.questions:
        if one.kind == "planted":
            best = scores.scores([one.question], chunks, torch.zeros(0, 0))[0].topk(TOP_CHUNKS).indices.tolist()
            found.append(any(one.answer in " ".join(chunks[chunk].split()) for chunk in best))
    return figure(f"planted, {length} tokens, answer in the chunks found", found)


def figure(name: str, right: Sequence[bool]) -> Figure:
    """A rate."""
    rate = wilson_rate(sum(right), len(right))
    return Figure(id=name, value=rate.value, interval=(rate.low, rate.high), unit="rate", better="higher")


if __name__ == "__main__":
    main()
