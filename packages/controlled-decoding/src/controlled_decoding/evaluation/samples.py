"""Continuations of prompts by several methods, batch by batch on disk: a killed run goes on where it stopped."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.evaluation.sample_files import BatchTiming, Sample, SampleFiles
from controlled_decoding.methods.method import Method
from controlled_decoding.prompts import Prompt
from gpu_commons.device import peak_memory

# Stated in full, since a model's own generation config may say otherwise.
NUCLEUS_SAMPLING: Mapping[str, Any] = {"do_sample": True, "temperature": 1.0, "top_p": 0.9, "top_k": 0}


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """What is to be generated.

    Attributes:
        n: Continuations of each prompt and seed.
        seeds: Each gives n further continuations.
        max_new_tokens: Length of a continuation, unless the model ends it before.
        sampling: Arguments of ``generate``.
        rows_per_batch: Continuations generated at a time, rounded to whole prompts. It decides which prompts share a
            random stream, so another value gives other samples.
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

    The random state of a batch depends on seed and batch number alone: all methods get the same one, in whatever order
    they run, and the caller's random state stays as it was.

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
    _check_unique("prompt ids", [prompt.id for prompt in prompts])
    _check_unique("method names", [method.name for method in methods])
    batches = plan.batches(prompts)
    steps = [(method, seed, number) for method in methods for seed in plan.seeds for number in range(len(batches))]
    files = SampleFiles(Path(out), _plan_record(prompts, methods, plan, model_id))
    if not files.finished:
        done = files.keep_whole_batches([len(batches[number]) * plan.n for _, _, number in steps])
        for method, seed, number in tqdm(steps[done:], initial=done, total=len(steps), desc="generating", unit="batch"):
            sampler = _BatchSampler(model, tokenizer, batches[number], plan)
            files.append(*sampler.run(method, seed, number))
        files.finish()
    return files.read()


def batch_seed(seed: int, batch: int) -> int:
    """Seed of the random stream of one batch; near seeds and batches give unrelated streams."""
    return int(np.random.SeedSequence([seed, batch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class _BatchSampler:
    """n continuations of a few prompts."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Prompt],
        plan: SamplingPlan,
    ) -> None:
        self._model, self._tokenizer, self._prompts, self._plan = model, tokenizer, prompts, plan
        texts = [prompt.text for prompt in prompts]
        encoded = tokenizer(texts, padding=True, padding_side="left", return_tensors="pt").to(model.device)
        self._inputs: dict[str, Tensor] = {name: encoded[name] for name in ("input_ids", "attention_mask")}

    def run(self, method: Method, seed: int, number: int) -> tuple[list[Sample], BatchTiming]:
        device = self._model.device
        with _own_random_state(device, batch_seed(seed, number)), peak_memory(device) as peak:
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            new = self._new_tokens(method)
            cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        lengths = _lengths(new, self._model, self._tokenizer)
        samples = [
            self._sample(method.name, seed, row, new[row, :length].tolist()) for row, length in enumerate(lengths)
        ]
        generated = sum(min(length + 1, new.shape[1]) for length in lengths)  # an end token is paid for like any other
        return samples, BatchTiming(method.name, seed, number, 1e3 * cpu_s, 1e3 * wall_s, generated, peak.bytes)

    def _new_tokens(self, method: Method) -> Int[Tensor, "rows columns"]:
        plan, (batch, width) = self._plan, self._inputs["input_ids"].shape
        settings = {**plan.sampling, "max_new_tokens": plan.max_new_tokens, "num_return_sequences": plan.n}
        sequences = method.generate(self._model, self._tokenizer, self._inputs, **settings)
        if len(sequences) != batch * plan.n or sequences.shape[1] < width:
            raise ValueError(
                f"the method {method.name!r} returned sequences of shape {tuple(sequences.shape)} for {plan.n} "
                f"continuations of {batch} prompts of {width} columns; it must return {batch * plan.n} rows, prompt columns included."
            )
        return sequences[:, width:].cpu()  # waits for the accelerator

    def _sample(self, method: str, seed: int, row: int, new_ids: list[int]) -> Sample:
        number, index = divmod(row, self._plan.n)
        mask = self._inputs["attention_mask"][number].bool()
        prompt_ids = self._inputs["input_ids"][number][mask].tolist()
        text = _continuation_text(self._tokenizer, prompt_ids, new_ids)
        return Sample(method, seed, self._prompts[number].id, index, len(new_ids), text)


@contextmanager
def _own_random_state(device: torch.device, seed: int) -> Iterator[None]:
    on_cpu = device.type == "cpu"
    with torch.random.fork_rng([] if on_cpu else [device], device_type="cuda" if on_cpu else device.type):
        torch.manual_seed(seed)
        yield


def _lengths(new: Int[Tensor, "rows columns"], model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens of each row before its first end or pad token."""
    ends = model.generation_config.eos_token_id
    stops = {tokenizer.pad_token_id, tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
    is_stop = torch.isin(new, torch.tensor(sorted(stops)))
    return (is_stop.cumsum(1) == 0).sum(1).tolist()


def _continuation_text(tokenizer: PreTrainedTokenizerBase, prompt_ids: list[int], new_ids: list[int]) -> str:
    """What the new tokens add to the text; decoded alone, some tokenizers would swallow the space before a word."""
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    prompt, whole = tokenizer.decode(prompt_ids, **options), tokenizer.decode(prompt_ids + new_ids, **options)
    return whole[len(prompt) :] if whole.startswith(prompt) else tokenizer.decode(new_ids, **options)


def _check_unique(what: str, names: list[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"{what} must differ, but {repeated!r} comes twice.")
    if not names:
        raise ValueError(f"there are no {what}; give at least one.")


def _plan_record(
    prompts: Sequence[Prompt], methods: Sequence[Method], plan: SamplingPlan, model_id: str
) -> dict[str, Any]:
    texts = json.dumps([[prompt.id, prompt.text] for prompt in prompts])
    return {
        "model": model_id,
        "prompts": hashlib.sha256(texts.encode()).hexdigest(),
        "methods": [[method.name, getattr(method, "fingerprint", None)] for method in methods],
        **json.loads(json.dumps(asdict(plan))),
    }
