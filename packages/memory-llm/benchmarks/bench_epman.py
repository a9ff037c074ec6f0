"""Cost of a question over a written memory: decode steps, bytes on the device, and the question as a whole.

Memories of several lengths are written once; then questions go round them in turn, beside the same decoder with as many
tokens in its own cache (full attention; its columns are random numbers, which cost what real ones do). The decoder is
SmolLM2 or, with ``--shape mistral-7b``, random weights in that model's shape, for an accelerator. What a question costs
is compared with the prefill of a prompt of 2,000 tokens.
"""

import argparse
import functools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModelForCausalLM, DynamicCache, MistralConfig, PreTrainedModel
from transformers.utils import ModelOutput

from gpu_commons import Figure, SentenceEncoder, load_model, peak_memory, resolve_device, write_record
from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import cache_shape
from memory_llm.epman import EmbeddingRetriever, EpisodicMemory, EpMANCache, EpMANForCausalLM, answer
from memory_llm.epman.asking import QUESTION
from memory_llm.haystack.insertion import REPEATED_PASSAGE

RESULTS = Path(__file__).parent / "results"
LENGTHS = (4_096, 32_768, 262_144)  # whole chunks
SCOPES = ("narrow", "broad")
ASKED = "Who led the people through the wilderness?"
PROMPT_TOKENS = 2_000
ANSWER_TOKENS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--shape", choices=("smollm2-135m", "mistral-7b"), default="smollm2-135m")
    parser.add_argument("--longest", type=int, default=max(LENGTHS))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    model, text = pretrained() if run.shape == "smollm2-135m" else random_mistral()
    lengths = [length for length in LENGTHS if length <= run.longest]
    memories = {length: written(model, text, length) for length in lengths}
    decoding = Decoding(model, {length: memory for length, (memory, _) in memories.items()})
    decoding.measure(run.rounds, run.steps)
    figures = [
        Figure(id=f"reading {length} tokens", value=length / seconds, unit="tokens/s", better="higher")
        for length, (_, seconds) in memories.items()
    ]
    figures += figures_of(decoding, run.seed)
    if model.decoder.device.type == "cpu":
        figures += whole_questions(model, memories[lengths[-1]][0], run)
    path = write_record(
        f"bench_epman_{run.shape}",
        results_dir=run.results,
        command=f"python benchmarks/bench_epman.py --shape {run.shape}",
        config={
            **vars(run),
            "results": None,
            "device": str(model.decoder.device),
            "dtype": "bfloat16",
            "interval": "95 %, bootstrap over rounds",
        },
        seeds=[run.seed],
        figures=figures,
        shortened=run.longest < max(LENGTHS) or run.rounds < 10,
    )
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit} {figure.interval or ''}", file=sys.stderr)
    print(path.name, file=sys.stderr)


# What is measured


def pretrained() -> tuple[EpMANForCausalLM, str]:
    """SmolLM2 with MiniLM as its retriever, and the King James Bible."""
    from memory_llm.haystack import bundled_book

    decoder, tokenizer = load_model("bundled:smollm2-135m-instruct", dtype="bfloat16")
    retriever = EmbeddingRetriever(SentenceEncoder())
    model = EpMANForCausalLM.from_base(decoder, tokenizer, retriever)
    return model, bundled_book("king-james-bible")


def random_mistral() -> tuple[EpMANForCausalLM, str]:
    """Random weights in the shape of Mistral 7B v0.2, on the accelerator if there is one, and one passage repeated."""
    from gpu_commons.testing import tiny_tokenizer

    config = MistralConfig(num_key_value_heads=8, sliding_window=None, max_position_embeddings=32_768)
    with torch.device(resolve_device("auto")):
        decoder = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    model = EpMANForCausalLM.from_base(decoder, tiny_tokenizer(), RandomScores())
    return model, f"{REPEATED_PASSAGE} " * 10_000


class RandomScores:
    """Finds chunks anywhere in a document, for weights that mean nothing."""

    fingerprint = "random"

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        """Nothing is kept."""
        return torch.zeros(len(texts), 0)

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        """Drawn anew for every question."""
        return torch.rand(len(questions), len(texts))


def written(model: EpMANForCausalLM, text: str, length: int) -> tuple[EpisodicMemory, float]:
    """A memory of so many tokens, and the seconds that it took."""
    tokenizer = model.tokenizer
    offsets = tokenizer(text[: 8 * length], add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
        "offset_mapping"
    ]
    beginning = text[: offsets[length - 1][1]]
    started = time.perf_counter()
    memory = model.write(beginning, batch_size=8 if model.decoder.device.type == "cpu" else 64, progress=True)
    return memory, time.perf_counter() - started


@dataclass
class Costs:
    """Of one length and scope, a number for each round: seconds of a decode step, seconds until the chunks lie ready,
    and bytes on the device; the chunks' and, on an accelerator, all that a question takes.
    """

    step: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    chunk_bytes: list[int] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)


class Decoding:
    """Questions to memories of several lengths and to caches that hold as much, in turn.

    Attributes:
        ours: Costs by scope and length.
        full: Seconds of a decode step of full attention, by length, a number for each round.
    """

    def __init__(self, model: EpMANForCausalLM, memories: dict[int, EpisodicMemory]):
        self.model, self.memories = model, memories
        self.ours = {(scope, length): Costs() for scope in SCOPES for length in memories}
        self.full: dict[int, list[float]] = {length: [] for length in memories}
        decoder = model.decoder
        ids = model.tokenizer(QUESTION.format(ASKED), add_special_tokens=False, return_tensors="pt")["input_ids"]
        self._ids, self._on_cpu = ids.to(decoder.device), decoder.device.type == "cpu"
        self._caches = {length: full_cache(decoder, length) for length in memories}

    def measure(self, rounds: int, steps: int) -> None:
        """Everything once a round; the first round warms up and does not count."""
        for number in tqdm(range(rounds + 1), desc="rounds"):
            for (scope, length), costs in self.ours.items():
                self.model.config.attn_scope = scope
                self._ask(self.memories[length], steps, costs if number else Costs())
            for length, cache in self._caches.items():
                step = step_seconds(self.model.decoder, self.model.decoder, self._ids, cache, max(2, steps // 4))
                cache.crop(length - cache.get_seq_length())
                if number:
                    self.full[length].append(step)

    def _ask(self, memory: EpisodicMemory, steps: int, costs: Costs) -> None:
        decoder = self.model.decoder
        before = 0 if self._on_cpu else torch.accelerator.memory_allocated(decoder.device)
        with peak_memory(decoder.device) as peak:
            started = now(decoder)
            reading = self.model.read(ASKED, memory)
            costs.ready.append(now(decoder) - started)
            ask = functools.partial(self.model, reading=reading)
            costs.step.append(step_seconds(decoder, ask, self._ids, EpMANCache(decoder.config), steps))
        costs.chunk_bytes.append(reading.prefix.keys.nbytes + reading.prefix.values.nbytes)
        costs.peak_bytes.append(0 if self._on_cpu else (peak.bytes or 0) - before)


def full_cache(decoder: PreTrainedModel, length: int) -> DynamicCache:
    """A cache with so many columns of random numbers."""
    layers, heads, head = cache_shape(decoder)
    cache = DynamicCache(config=decoder.config)
    shape = (1, heads, length, head)
    for layer in range(layers):
        keys, values = (torch.randn(shape, device=decoder.device, dtype=decoder.dtype) for _ in range(2))
        cache.update(keys, values, layer)
    return cache


@torch.inference_mode()
def step_seconds(
    decoder: PreTrainedModel, ask: Callable[..., ModelOutput], ids: Tensor, cache: DynamicCache, steps: int
) -> float:
    """Median over the steps after the question."""
    seconds = []
    new = ids
    for _ in range(steps + 1):
        started = now(decoder)
        logits = ask(input_ids=new, **cache_argument(decoder.forward, cache), use_cache=True, logits_to_keep=1).logits
        new = logits[:, -1:].argmax(-1)
        seconds.append(now(decoder) - started)
    return float(np.median(seconds[1:]))


def whole_questions(model: EpMANForCausalLM, memory: EpisodicMemory, run: argparse.Namespace) -> list[Figure]:
    """CPU seconds of a question with its answer, and of the prefill of a prompt, in turn."""
    prompt = torch.randint(10, len(model.tokenizer), (1, PROMPT_TOKENS), device=model.decoder.device)
    ours, theirs = [], []
    for number in range(run.rounds + 1):
        times = [time.process_time()]
        answer(model, [ASKED], memory, max_new_tokens=ANSWER_TOKENS, min_new_tokens=ANSWER_TOKENS)
        times.append(time.process_time())
        with torch.inference_mode():
            model.decoder(prompt, logits_to_keep=1)
        times.append(time.process_time())
        if number:
            ours.append(times[1] - times[0])
            theirs.append(times[2] - times[1])
    name = f"a question over {memory.num_tokens} tokens, {ANSWER_TOKENS} tokens of answer"
    return [
        median(name, ours, "CPU s", run.seed),
        median(f"prefill of {PROMPT_TOKENS} tokens", theirs, "CPU s", run.seed),
        ratio(f"{name}, over that prefill", ours, theirs, run.seed, target=1.0),
    ]


# How it is told


def figures_of(found: Decoding, seed: int) -> list[Figure]:
    """Medians by length, and what the longest costs over the shortest."""
    shortest, longest = min(found.memories), max(found.memories)
    figures = []
    for (scope, length), costs in found.ours.items():
        name = f"{length} tokens in memory, {scope}"
        figures.append(median(f"decode step, {name}", milli(costs.step), "ms", seed))
        figures.append(median(f"chunks ready, {name}", milli(costs.ready), "ms", seed))
        figures.append(
            Figure(id=f"chunks on the device, {name}", value=max(costs.chunk_bytes) / 2**20, unit="MiB", better="lower")
        )
    for length, steps in found.full.items():
        figures.append(median(f"decode step, full attention to {length} tokens", milli(steps), "ms", seed))
    for scope in SCOPES:
        long, short = found.ours[scope, longest], found.ours[scope, shortest]
        name = f"{longest} tokens in memory over {{}}, {scope}"
        figures.append(ratio(f"decode step, {name.format(shortest)}", long.step, short.step, seed, target=1.2))
        full = f"full attention to {shortest}"
        figures.append(ratio(f"decode step, {name.format(full)}", long.step, found.full[shortest], seed, target=1.3))
        for what, here, there in (
            ("chunks on the device", long.chunk_bytes, short.chunk_bytes),
            ("device bytes of a question", long.peak_bytes, short.peak_bytes),
        ):
            if max(there):
                # Broad attention finds fewer neighbours in a short document.
                target = 1.0 if scope == "narrow" and what.startswith("chunks") else None
                value = max(here) / max(there)
                same = f"{what}, {name.format(shortest)}"
                figures.append(Figure(id=same, value=value, unit="ratio", better="lower", target=target))
        figures.append(
            ratio(
                f"decode step, full attention to {longest} tokens over a memory of as many, {scope}",
                found.full[longest],
                long.step,
                seed,
                better="higher",
            )
        )
    return figures


def median(name: str, values: Sequence[float], unit: str, seed: int) -> Figure:
    """With a bootstrap interval."""
    draws = np.median(np.random.default_rng(seed).choice(np.array(values), size=(2000, len(values))), axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Figure(
        id=name, value=float(np.median(values)), interval=(float(low), float(high)), unit=unit, better="lower"
    )


def ratio(
    name: str,
    above: Sequence[float],
    below: Sequence[float],
    seed: int,
    *,
    better: str = "lower",
    target: float | None = None,
) -> Figure:
    """Of two medians of the same rounds."""
    rounds = np.random.default_rng(seed).integers(len(above), size=(2000, len(above)))
    top, bottom = np.array(above), np.array(below)
    low, high = np.quantile(np.median(top[rounds], axis=1) / np.median(bottom[rounds], axis=1), [0.025, 0.975])
    value = float(np.median(top) / np.median(bottom))
    return Figure(id=name, value=value, interval=(float(low), float(high)), unit="ratio", better=better, target=target)


def milli(seconds: Sequence[float]) -> list[float]:
    """Thousandths."""
    return [1e3 * one for one in seconds]


def now(decoder: PreTrainedModel) -> float:
    """Seconds on the clock, after what the device still has to do."""
    if decoder.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
