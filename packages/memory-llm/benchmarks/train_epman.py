"""What training under gated attention teaches, on books that it has not seen, and when the retriever errs.

Adapters are trained on episodes of the King James Bible with noisy, exact and uniform gates, and, as retrieval beside
them, with the same chunks as a plain prompt. They answer episodes of other books, with facts about other names: by the
retriever's scores, and with the gold chunk demoted behind confusing ones to a gate near 0.

``--books`` makes the episodes and keeps the retriever's scores, so that training and answering need no retriever and
can be done elsewhere. Every run leaves adapters and answers in ``--work``, and what is there is not made again. The
defaults are a small training that two cores can do; with an accelerator,
``--train 3000 --test 800 --chunk-tokens 256 --chunks 5 --batch 16 --seeds 0 1 2`` and all modes. ``--test 0`` trains
and asks nothing.
"""

import argparse
import copy
import json
import sys
from pathlib import Path

import numpy as np
import torch
from rates import difference, rate
from scored_episodes import ScoredEpisodes, needles_of, scored_rows
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons import SentenceEncoder, load_model, write_record
from gpu_commons.table_rows import write_rows
from memory_llm.epman import EmbeddingRetriever, EpisodeMaker, EpMANForCausalLM, load_epman, train_epman
from memory_llm.epman.adapter import ADAPTER_FILE
from memory_llm.epman.chunk_reader import ChunkReader
from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.episode_accuracy import answered
from memory_llm.epman.episode_batch import training_config
from memory_llm.haystack import bundled_book, read_books

RESULTS = Path(__file__).parent / "results"
MODES = {
    "noisy": ("noisy", "independent"),
    "exact": ("exact", "independent"),
    "uniform": ("uniform", "independent"),
    "retrieval": ("uniform", "full"),
}
UNTRAINED = {"untrained": "independent", "untrained-retrieval": "full"}
RANKED = ("as scored", "gold demoted")
DEMOTED_GATE = 0.05
TRAIN, TEST = 640, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--work", type=Path, default=RESULTS / "scratch" / "train_epman", help="episodes, finished runs"
    )
    parser.add_argument("--books", type=Path, help="folder of books to ask about: make episodes, and stop")
    parser.add_argument("--train-books", type=Path, help="a book, or a folder of them, in place of the Bible")
    parser.add_argument("--decoder", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--encoder", default="bundled:minilm")
    parser.add_argument("--train", type=int, default=TRAIN)
    parser.add_argument("--test", type=int, default=TEST)
    parser.add_argument("--chunk-tokens", type=int, default=128)
    parser.add_argument("--chunks", type=int, default=3, help="selected of an episode's")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--modes", nargs="+", default=["untrained", "noisy", "exact"], choices=[*UNTRAINED, *MODES])
    parser.add_argument(
        "--gates", nargs="+", default=["exact", "uniform"], choices=["exact", "uniform"], help="when answering"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    if run.books:
        make_episodes(run)
        return
    decoder, tokenizer = load_model(run.decoder, dtype="float32")
    train, test = (ScoredEpisodes.read(run.work / f"{part}.jsonl") for part in ("train", "test"))
    test = ScoredEpisodes(test.episodes[: run.test], test.scores[: run.test])
    tests = dict(zip(RANKED, (test, test.demoted(run.chunks - 1, DEMOTED_GATE)), strict=True))
    for seed in run.seeds:
        for mode in run.modes:
            out = run.work / f"{mode}_{0 if mode in UNTRAINED else seed}.json"
            if not out.exists():
                model = reader(decoder, tokenizer, train, mode, seed, run)
                if run.test:
                    ask(model, tests, run.gates, out)
                print(out.stem, file=sys.stderr, flush=True)
    if run.test:
        record(run, test)


def make_episodes(run: argparse.Namespace) -> None:
    """Write episodes for training and for the test."""
    decoder, tokenizer = load_model(run.decoder)
    reader = ChunkReader(EpMANConfig(chunk_size=run.chunk_tokens), decoder, tokenizer)
    retriever = EmbeddingRetriever(SentenceEncoder(run.encoder))
    bible = (
        [bundled_book("king-james-bible")] if run.train_books is None else list(read_books(run.train_books).values())
    )
    books = {"train": bible, "test": list(read_books(run.books).values())}
    for part, texts in books.items():
        maker = EpisodeMaker(texts, lambda text: reader.cut(text)[0], retriever, make_needle=needles_of(part))
        write_rows(scored_rows(maker.make(getattr(run, part)), retriever), run.work / f"{part}.jsonl")


def epman(
    decoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    episodes: ScoredEpisodes,
    prefill: str,
    run: argparse.Namespace,
) -> EpMANForCausalLM:
    """On a copy of the decoder."""
    config = EpMANConfig(attn_scope="narrow", chunk_size=run.chunk_tokens, top_chunks=run.chunks, prefill=prefill)
    return EpMANForCausalLM(config, copy.deepcopy(decoder), tokenizer, episodes.retriever()).eval()


def reader(
    decoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: ScoredEpisodes,
    mode: str,
    seed: int,
    run: argparse.Namespace,
) -> EpMANForCausalLM:
    """One run of training, whose adapters lie in ``--work``; or the decoder as it comes."""
    if mode in UNTRAINED:
        return epman(decoder, tokenizer, train, UNTRAINED[mode], run)
    gates, prefill = MODES[mode]
    model, out = epman(decoder, tokenizer, train, prefill, run), run.work / f"{mode}_{seed}"
    if (out / ADAPTER_FILE).is_file():
        return load_epman(out, model.decoder, tokenizer, model.retriever)
    return train_epman(
        model,
        train.episodes[: run.train],
        out,
        batch_size=run.batch,
        accumulate=1,
        learning_rate=run.learning_rate,
        gates=gates,
        seed=seed,
        bf16=True,
        save_strategy="no",
    )


def ask(model: EpMANForCausalLM, tests: dict[str, ScoredEpisodes], gates_asked: list[str], out: Path) -> None:
    """Every episode under all gates and both rankings, to a file: which were answered."""
    found = {}
    for ranked, test in tests.items():
        model.retriever = test.retriever()
        for gates in gates_asked:
            config = training_config(model.config, gates=gates)
            with torch.autocast(model.decoder.device.type, torch.bfloat16):
                found[f"{gates}, {ranked}"] = answered(model, test.episodes, config, batch_size=32, progress=True)
    out.write_text(json.dumps(found), encoding="utf-8")


def record(run: argparse.Namespace, test: ScoredEpisodes) -> None:
    """Rates by kind of fact, gates and ranking, and what noisy training changes."""
    planted = np.array([not episode.question.startswith("How does this") for episode in test.episodes])
    seeds = {mode: [0] if mode in UNTRAINED else run.seeds for mode in run.modes}
    runs = {mode: [load(run.work / f"{mode}_{seed}.json") for seed in seeds[mode]] for mode in run.modes}
    figures = []
    for kind, rows in (("planted", planted), ("natural", ~planted)):
        for mode, answers in runs.items():
            for condition in answers[0]:
                right = np.stack([one[condition][rows] for one in answers])
                figures.append(rate(f"{kind}, {condition}, {mode}", right))
        for other in [name for name in ("exact", "uniform") if name in runs and "noisy" in runs]:
            for condition in runs["noisy"][0]:
                pair = [np.stack([one[condition][rows] for one in runs[mode]]) for mode in ("noisy", other)]
                figures.append(difference(f"{kind}, {condition}, noisy minus {other}", *pair))
    path = write_record(
        "train_epman",
        results_dir=run.results,
        command="python benchmarks/train_epman.py --books BOOKS && python benchmarks/train_epman.py",
        config={
            **{name: getattr(run, name) for name in ("train", "test", "batch", "learning_rate")},
            "chunks": f"{run.chunks} of {run.chunk_tokens} tokens",
            "demoted": f"gold at rank {run.chunks - 1} of {run.chunks}, exact gate {DEMOTED_GATE}",
            "decoder": Path(run.decoder).name,
            "books": "trained on the King James Bible, asked about novels by Austen",
            "interval": "95 %, bootstrap over episodes, means over seeds",
        },
        seeds=run.seeds,
        figures=figures,
        shortened=run.train < TRAIN or run.test < TEST,
    )
    print(path.name, file=sys.stderr)


def load(path: Path) -> dict[str, np.ndarray]:
    """Which episodes a run answered, by condition."""
    return {name: np.array(right) for name, right in json.loads(path.read_text(encoding="utf-8")).items()}


if __name__ == "__main__":
    main()
