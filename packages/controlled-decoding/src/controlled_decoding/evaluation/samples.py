"""Continuations of prompts by several methods, on disk batch by batch, so that a killed run goes on where it stopped.

``samples.jsonl`` holds only what the settings determine, and comes out byte by byte the same whether the run was interrupted or not; times
and memory, which differ from run to run, go to ``timings.jsonl``. The samples carry the suffix ``.partial`` until the last batch is in.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.methods.method import Method
from controlled_decoding.prompts import Prompt

SAMPLES_FILE, TIMINGS_FILE, PLAN_FILE = "samples.jsonl", "timings.jsonl", "samples.plan.json"
# Stated in full, since a model's own generation config may say otherwise.
NUCLEUS_SAMPLING: Mapping[str, Any] = {"do_sample": True, "temperature": 1.0, "top_p": 0.9, "top_k": 0}


@dataclass(frozen=True, slots=True)
class Sample:
    """One continuation: by which method and seed, of which prompt, its 0-based number, its tokens before the end token, its text."""

    method: str
    seed: int
    prompt_id: str
    index: int
    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class BatchTiming:
    """Cost of generating one batch: CPU and wall milliseconds, generated tokens with end tokens, and peak memory in bytes if known."""

    method: str
    seed: int
    batch: int
    cpu_ms: float
    wall_ms: float
    tokens: int
    peak_memory_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """What is to be generated.

    Attributes:
        n: Continuations of each prompt and seed.
        seeds: Each gives n further continuations.
        max_new_tokens: Length of a continuation, unless the model ends it before.
        sampling: Arguments of ``generate``.
        rows_per_batch: Continuations generated at a time, rounded to whole prompts. It decides which prompts share a random stream, so
            another value gives other samples.
    """

    n: int = 25
    seeds: tuple[int, ...] = (0,)
    max_new_tokens: int = 20
    sampling: Mapping[str, Any] = field(default_factory=lambda: dict(NUCLEUS_SAMPLING))
    rows_per_batch: int = 50

    def __post_init__(self) -> None:
        for name in ("n", "max_new_tokens", "rows_per_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"`seeds` must be different numbers, at least one, got {self.seeds}.")

    def batches(self, prompts: Sequence[Prompt]) -> list[Sequence[Prompt]]:
        """The prompts, in order, in the groups that are generated together."""
        size = max(1, self.rows_per_batch // self.n)
        return [prompts[start : start + size] for start in range(0, len(prompts), size)]


def generate_samples(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    methods: Sequence[Method],
    plan: SamplingPlan,
    *,
    out: str | Path,
    model_id: str,
) -> tuple[list[Sample], list[BatchTiming]]:
    """Generate what is missing in ``out`` and return everything.

    The random state of a batch depends on seed and batch number alone: all methods get the same one, in whatever order they run, and the
    caller's random state stays as it was.

    Args:
        model: A decoder-only model.
        tokenizer: Its tokenizer, with a pad token; prompts are padded on the left whatever it is set to.
        prompts: With different ids.
        methods: With different names.
        plan: What to generate.
        out: Folder of the run; created if missing.
        model_id: Tells this model from others, so that a run is not resumed with another one.
    Raises:
        ValueError: If ids or names repeat, ``out`` holds a run with other settings, or a method returns the wrong rows.
    """
    out = Path(out)
    _check_unique("prompt ids", [prompt.id for prompt in prompts])
    _check_unique("method names", [method.name for method in methods])
    _claim_folder(out, _plan_record(prompts, methods, plan, model_id))
    batches = plan.batches(prompts)
    steps = [(method, seed, number) for method in methods for seed in plan.seeds for number in range(len(batches))]
    finished, partial = out / SAMPLES_FILE, out / f"{SAMPLES_FILE}.partial"
    if not finished.exists():
        done = _keep_whole_batches(partial, [len(batches[number]) * plan.n for _, _, number in steps])
        _keep_lines(out / TIMINGS_FILE)
        for method, seed, number in tqdm(steps[done:], initial=done, total=len(steps), desc="generating", unit="batch"):
            samples, timing = _generate_batch(model, tokenizer, batches[number], method, plan, seed, number)
            # Timing first: a batch counts as done when its samples are in, and a timing without samples is overridden later.
            _append(out / TIMINGS_FILE, [timing])
            _append(partial, samples)
        os.replace(partial, finished)
    timings = {(timing.method, timing.seed, timing.batch): timing for timing in _read(out / TIMINGS_FILE, BatchTiming)}
    return _read(finished, Sample), list(timings.values())


def batch_seed(seed: int, batch: int) -> int:
    """Seed of the random stream of one batch; near seeds and batches give unrelated streams."""
    return int(np.random.SeedSequence([seed, batch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _generate_batch(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    method: Method,
    plan: SamplingPlan,
    seed: int,
    number: int,
) -> tuple[list[Sample], BatchTiming]:
    from gpu_commons.device import peak_memory

    inputs = tokenizer([prompt.text for prompt in prompts], padding=True, padding_side="left", return_tensors="pt").to(model.device)
    tensors = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    settings = {**plan.sampling, "max_new_tokens": plan.max_new_tokens, "num_return_sequences": plan.n}
    on_cpu = model.device.type == "cpu"
    fork = torch.random.fork_rng([] if on_cpu else [model.device], device_type="cuda" if on_cpu else model.device.type)
    with fork, peak_memory(model.device) as peak:
        torch.manual_seed(batch_seed(seed, number))
        started = time.process_time(), time.perf_counter()
        sequences = method.generate(model, tokenizer, tensors, **settings)
        _wait_for(model.device)
        cpu_s, wall_s = time.process_time() - started[0], time.perf_counter() - started[1]
    width = tensors["input_ids"].shape[1]
    if len(sequences) != len(prompts) * plan.n or sequences.shape[1] < width:
        raise ValueError(
            f"the method {method.name!r} returned sequences of shape {tuple(sequences.shape)} for {len(prompts)} prompts of {width} columns "
            f"with {plan.n} continuations each; it must return {len(prompts) * plan.n} rows with the prompt columns included."
        )
    new = sequences[:, width:].cpu()
    lengths = _lengths(new, model, tokenizer)
    samples = []
    for row in range(len(new)):
        prompt, ids = prompts[row // plan.n], new[row, : lengths[row]]
        mask = tensors["attention_mask"][row // plan.n].bool().cpu()
        text = _continuation_text(tokenizer, tensors["input_ids"][row // plan.n].cpu()[mask].tolist(), ids.tolist())
        samples.append(Sample(method.name, seed, prompt.id, row % plan.n, len(ids), text))
    generated = sum(min(length + 1, new.shape[1]) for length in lengths)
    return samples, BatchTiming(method.name, seed, number, 1e3 * cpu_s, 1e3 * wall_s, generated, peak.bytes)


def _lengths(new: Int[Tensor, "rows columns"], model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens of each row before its first end or pad token."""
    ends = model.generation_config.eos_token_id
    stops = {tokenizer.pad_token_id, tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
    is_stop = torch.isin(new, torch.tensor(sorted(stops)))
    return (is_stop.cumsum(1) == 0).sum(1).tolist()


def _continuation_text(tokenizer: PreTrainedTokenizerBase, prompt_ids: list[int], new_ids: list[int]) -> str:
    """What the new tokens add to the text: decoded alone, some tokenizers would swallow the space before the first word."""
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    prompt, whole = tokenizer.decode(prompt_ids, **options), tokenizer.decode(prompt_ids + new_ids, **options)
    return whole[len(prompt) :] if whole.startswith(prompt) else tokenizer.decode(new_ids, **options)


def _wait_for(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _check_unique(what: str, names: list[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"{what} must differ, but {repeated!r} comes twice.")
    if not names:
        raise ValueError(f"there are no {what}; give at least one.")


def _plan_record(prompts: Sequence[Prompt], methods: Sequence[Method], plan: SamplingPlan, model_id: str) -> dict[str, Any]:
    texts = json.dumps([[prompt.id, prompt.text] for prompt in prompts])
    return {
        "model": model_id,
        "prompts": hashlib.sha256(texts.encode()).hexdigest(),
        "methods": [method.name for method in methods],
        **json.loads(json.dumps(asdict(plan))),
    }


def _claim_folder(out: Path, record: dict[str, Any]) -> None:
    """Write down what the folder is for, or check that it is for this."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / PLAN_FILE
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, path)
        return
    old = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(key for key in record.keys() | old.keys() if record.get(key) != old.get(key))
    if differing:
        raise ValueError(f"{out} holds a run with other {', '.join(differing)}; take another folder, or delete that one to start anew.")


def _keep_whole_batches(path: Path, sizes: list[int]) -> int:
    """Cut off what a kill left of an unfinished batch; the number of batches that are whole."""
    if not path.exists():
        return 0
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    ends = np.cumsum(sizes)
    done = int(np.searchsorted(ends, len(lines), side="right"))
    keep = int(ends[done - 1]) if done else 0
    os.truncate(path, sum(map(len, lines[:keep])))
    return done


def _keep_lines(path: Path) -> None:
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _append(path: Path, entries: Sequence[Sample | BatchTiming]) -> None:
    # JSON keeps to ASCII, so that no line separator of Unicode can split a line.
    text = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
    with path.open("a", encoding="ascii", newline="\n") as stream:
        stream.write(text)


def _read(path: Path, kind: type) -> list[Any]:
    with path.open(encoding="ascii") as stream:
        return [kind(**json.loads(line)) for line in stream]
