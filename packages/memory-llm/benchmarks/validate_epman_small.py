"""Small decoders trained from scratch under gated attention, on chunks of eight words of which one holds a fact.

A fact is a key and the value behind it; in two other chunks the key asked for stands before some other word. Some facts
lie across the border of two chunks. The retriever counts keys and errs a little; in training it ranks the gold chunk
last of the selected ones in 30 % of the episodes. As chunks are read in one pass here, uniform gates are retrieval: the
chunks found, as a prompt.

Source: EpMAN spec 5.3, whose harder test this is: the gold chunk demoted to the third rank of four with a gate of 0.05.
"""

import argparse
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rates import difference, rate
from scored_episodes import ScoredEpisodes  # the file beside this one
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from gpu_commons import write_record
from memory_llm.epman import Episode, EpMANForCausalLM
from memory_llm.epman.asking import QUESTION
from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.episode_accuracy import answered
from memory_llm.epman.episode_batch import EpisodeCollator, training_config
from memory_llm.epman.episode_draws import EpisodeDraws
from memory_llm.epman.gated_attention import attention_route
from memory_llm.epman.objective import EpMANObjective
from memory_llm.memreasoner.word_tokenizer import word_tokenizer
from memory_llm.training.arguments import training_arguments
from memory_llm.training.objective_trainer import ObjectiveTrainer

RESULTS = Path(__file__).parent / "results"
KEYS, VALUES, FILLER = ([f"{kind}{number}" for number in range(40)] for kind in ("key", "value", "word"))
WORDS, TOP_CHUNKS = 8, 4
BATCH = 32
DEMOTED_TO, DEMOTED_GATE = 3, 0.05
TRAINED_CHUNKS, LENGTHS = 8, (8, 32, 128)
SPLIT, DEMOTED, NOISE = 0.3, 0.3, 0.1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A way to train.

    Attributes:
        gates: In training.
        top_chunks: Attended to; all of them is full attention.
    """

    gates: str
    top_chunks: int = TOP_CHUNKS


PLANS = {
    "noisy": Plan(gates="noisy"),
    "exact": Plan(gates="exact"),
    "uniform": Plan(gates="uniform"),
    "full attention": Plan(gates="uniform", top_chunks=TRAINED_CHUNKS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "epman_small", help="finished runs")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    run.work.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, list[bool]]]] = {name: [] for name in PLANS}
    for seed in run.seeds:
        for name, plan in PLANS.items():
            out = run.work / f"{name.replace(' ', '-')}_{seed}_{run.steps}_{run.questions}.json"
            if not out.exists():
                model = trained(plan, seed, run.steps, run.work)
                out.write_text(json.dumps(ask(model, plan, run.questions)), encoding="utf-8")
            found[name].append(json.loads(out.read_text(encoding="utf-8")))
            print(out.stem, {key: round(float(np.mean(right)), 3) for key, right in found[name][-1].items()})
    record(found, run)


# The world


def episodes(count: int, num_chunks: int, *, split: float, seed: int, demoted: float = 0.0) -> ScoredEpisodes:
    """Episodes with the scores of a retriever that counts words and errs.

    Args:
        count: How many.
        num_chunks: Of each.
        split: Share whose fact lies across a border.
        seed: Of all that is random.
        demoted: Share whose gold chunk changes scores with the last of those that are selected.
    """
    rng = random.Random(f"{seed} {num_chunks} {split}")
    made, scores = [], []
    for _ in range(count):
        episode, overlaps = draw(num_chunks, rng.random() < split, rng)
        noisy = [overlap + rng.gauss(0, NOISE) for overlap in overlaps]
        if rng.random() < demoted:
            last = sorted(range(num_chunks), key=lambda row: -noisy[row])[TOP_CHUNKS - 1]
            gold = episode.gold[0]
            noisy[gold], noisy[last] = noisy[last], noisy[gold]
        made.append(episode)
        scores.append(noisy)
    return ScoredEpisodes(made, scores)


def draw(num_chunks: int, split: bool, rng: random.Random) -> tuple[Episode, list[int]]:
    """An episode, and whether each chunk has its key."""
    key, value = rng.choice(KEYS), rng.choice(VALUES)
    gold = rng.randrange(num_chunks - split)
    confusing = rng.sample([chunk for chunk in range(num_chunks) if chunk != gold], 2)
    words = [rng.choices(FILLER, k=WORDS) for _ in range(num_chunks)]
    for chunk in range(num_chunks):
        other = [rng.choice([word for word in KEYS if word != key]), rng.choice(VALUES)]
        place = rng.randrange(1, WORDS // 2)  # the first word is free for what the chunk before may end with
        words[chunk][place : place + 2] = [key, value] if chunk == gold and not split else other
        if chunk in confusing:
            words[chunk][rng.randrange(WORDS // 2 + 1, WORDS - 1)] = key
    if split:
        words[gold][-1], words[gold + 1][0] = key, value
    overlaps = [int(key in chunk) for chunk in words]
    chunks = tuple(" ".join(chunk) for chunk in words)
    return Episode(question=key, answer=value, chunks=chunks, gold=(gold,)), overlaps


def tokenizer() -> PreTrainedTokenizerBase:
    """Of all words."""
    return word_tokenizer([QUESTION, " ".join([*KEYS, *VALUES, *FILLER])])


# A run


def trained(plan: Plan, seed: int, steps: int, work: Path) -> EpMANForCausalLM:
    """A decoder of three layers that was trained from nothing."""
    torch.manual_seed(seed)
    words = tokenizer()
    sizes = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}
    decoder = LlamaForCausalLM(
        LlamaConfig(**sizes, vocab_size=len(words), max_position_embeddings=2048, pad_token_id=0)
    )
    seen = episodes(20_000, TRAINED_CHUNKS, split=SPLIT, seed=seed, demoted=DEMOTED)
    model = EpMANForCausalLM.from_base(
        decoder, words, seen.retriever(), chunk_size=WORDS, prefill="full", top_chunks=plan.top_chunks
    )
    arguments = training_arguments(
        work / "last",
        decoder.device,
        max_steps=steps,
        per_device_train_batch_size=BATCH,
        learning_rate=2e-3,
        lr_scheduler_type="cosine",
        warmup_steps=0.05,
        train_sampling_strategy="sequential",
        save_strategy="no",
        logging_steps=200,
        disable_tqdm=True,
        seed=seed,
    )
    with attention_route(decoder):
        ObjectiveTrainer(
            EpMANObjective(decoder.train(), apart=False),
            args=arguments,
            train_dataset=EpisodeDraws(seen.episodes, BATCH * steps / len(seen.episodes), seed=seed),
            data_collator=EpisodeCollator(model, training_config(model.config, gates=plan.gates)),
        ).train()
    return model.eval()


def ask(model: EpMANForCausalLM, plan: Plan, count: int) -> dict[str, list[bool]]:
    """Which questions are answered, by condition."""
    found = {}
    for num_chunks in LENGTHS:
        for split in (0.0, 0.5):
            test = episodes(count, num_chunks, split=split, seed=10_000)
            name = f"{num_chunks} chunks{', half split' if split else ''}"
            if plan.top_chunks != TOP_CHUNKS:
                found[name] = right(model, test, top_chunks=num_chunks)
                continue
            for scope in ("narrow", "broad"):
                found[f"{name}, {scope}"] = right(model, test, attn_scope=scope)
            if num_chunks == TRAINED_CHUNKS and not split:
                for gates in ("exact", "uniform"):
                    for ranked, asked in (("as scored", test), ("demoted", test.demoted(DEMOTED_TO, DEMOTED_GATE))):
                        name_of = f"{name}, narrow, {gates} gates, {ranked}"
                        found[name_of] = right(model, asked, attn_scope="narrow", a_mem_mode=gates)
    return found


def right(model: EpMANForCausalLM, test: ScoredEpisodes, **settings: int | str) -> list[bool]:
    """Under these settings."""
    model.retriever = test.retriever()
    config = EpMANConfig(**{"chunk_size": WORDS, "prefill": "full", "top_chunks": TOP_CHUNKS, **settings})
    return answered(model, test.episodes, config, batch_size=100)


# What is told


def record(found: dict[str, list[dict[str, list[bool]]]], run: argparse.Namespace) -> None:
    """Rates of every way to train, and what noise changes."""
    tables = {
        name: {key: np.array([one[key] for one in seeds], dtype=float) for key in seeds[0]}
        for name, seeds in found.items()
    }
    figures = [
        rate(f"{key}, trained {name}", right)
        for name, conditions in tables.items()
        for key, right in conditions.items()
    ]
    for key, ours in tables["noisy"].items():
        target = 0.05 if "demoted" in key else None
        figures += [
            difference(
                f"{key}, noisy minus {other}", ours, tables[other][key], target=target if other == "exact" else None
            )
            for other in ("exact", "uniform")
        ]
    path = write_record(
        "validate_epman_small",
        results_dir=run.results,
        command="python benchmarks/validate_epman_small.py",
        config={
            "steps": run.steps,
            "questions": run.questions,
            "decoder": "3 layers of width 64, from scratch",
            "top_chunks": TOP_CHUNKS,
            "demoted": f"gold at rank {DEMOTED_TO} of {TOP_CHUNKS}, exact gate {DEMOTED_GATE}",
            "interval": "95 %, bootstrap over questions, means over seeds",
        },
        seeds=run.seeds,
        figures=figures,
        shortened=run.steps < 2000 or run.questions < 1000 or len(run.seeds) < 3,
    )
    print(path.name, file=sys.stderr)


if __name__ == "__main__":
    main()
