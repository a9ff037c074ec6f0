"""The server under load: requests of mixed strengths from many clients at once, on the real model.

Checks that no request fails, that no answer depends on its neighbours (greedy answers of strength 0 equal plain
`generate`; seeded steered answers equal the same request alone afterwards) and that memory stays flat after warm-up;
reports latency, and tokens per second beside plain `generate` one request after the other. In float32, since in
bfloat16 the shape of a batch flips near-ties even without any steering. Clients and server share one process and its
memory.
"""

import argparse
import gc
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from openai import OpenAI, OpenAIError

from controlled_decoding.config import SASAConfig
from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.serving.engine import Engine
from controlled_decoding.serving.limits import ServerLimits
from controlled_decoding.serving.server import GracefulServer, bind
from controlled_decoding.steering import Steering
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons import Figure, load_model, write_record

RESULTS = Path(__file__).parent / "results"
FULL_REQUESTS = 200
MIB = 1 << 20
NAME = "bench"
STRENGTHS = (0.0, 0.5, 0.0, 1.0, 4.0)
TOPICS = (
    "a garden in spring",
    "the tides",
    "how bread rises",
    "an old bridge",
    "night trains",
    "the colour blue",
    "a chess opening",
    "rain on a tin roof",
)
TASKS = ("Write one sentence about", "Explain to a child", "Name three facts about", "Begin a short story about")


@dataclass(frozen=True)
class Load:
    """One request."""

    prompt: str
    strength: float
    max_tokens: int
    seed: int

    def ask(self, client: OpenAI) -> "Answer":
        began = time.perf_counter()
        try:
            reply = client.chat.completions.create(
                model=NAME,
                messages=[{"role": "user", "content": self.prompt}],
                max_tokens=self.max_tokens,
                seed=self.seed,
                temperature=1.0 if self.strength else 0.0,
                extra_body={"sasa": {"strength": self.strength}},
            )
        except OpenAIError as error:
            return Answer(None, 0, time.perf_counter() - began, str(error))
        return Answer(reply.choices[0].message.content, reply.usage.completion_tokens, time.perf_counter() - began)


@dataclass(frozen=True)
class Answer:
    text: str | None
    num_tokens: int
    seconds: float
    error: str | None = None


def make_loads(count: int) -> list[Load]:
    """Every prompt meets every strength; lengths differ so that rows join and leave all the time."""
    return [
        Load(
            prompt=f"{TASKS[index % len(TASKS)]} {TOPICS[index // len(TASKS) % len(TOPICS)]}.",
            strength=STRENGTHS[index % len(STRENGTHS)],
            max_tokens=12 + 7 * index % 21,
            seed=index,
        )
        for index in range(count)
    ]


def plain_answers(model, tokenizer, loads: Sequence[Load]) -> tuple[dict[Load, str], float]:
    """Greedy `generate` of the unsteered requests one after the other, and its tokens per second."""
    answers, num_tokens, began = {}, 0, time.perf_counter()
    for load in loads:
        turns = [{"role": "user", "content": load.prompt}]
        inputs = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(model.device)
        sequences = model.generate(**inputs, max_new_tokens=load.max_tokens, do_sample=False)
        new = sequences[0, inputs["input_ids"].shape[1] :]
        answers[load] = tokenizer.decode(new, skip_special_tokens=True)
        num_tokens += len(new)
    return answers, num_tokens / (time.perf_counter() - began)


@contextmanager
def client_of(engine: Engine) -> Iterator[OpenAI]:
    """OpenAI's client in front of a server on a free loopback port."""
    listener = bind("127.0.0.1", 0)
    with listener, engine:
        server = GracefulServer(engine)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            with OpenAI(base_url=url, api_key="none", max_retries=0, timeout=900) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def run_load(client: OpenAI, loads: Sequence[Load], num_clients: int) -> tuple[list[Answer], list[float], float]:
    """Answers, memory in MiB after every quarter of the requests, and tokens per second."""
    process, memory, done, lock = psutil.Process(), [], 0, threading.Lock()

    def ask(load: Load) -> Answer:
        nonlocal done
        answer = load.ask(client)
        with lock:
            done += 1
            if done % max(1, len(loads) // 4) == 0:
                gc.collect()
                memory.append(process.memory_info().rss / MIB)
                print(f"{done} requests, {memory[-1]:.0f} MiB", file=sys.stderr)
        return answer

    began = time.perf_counter()
    with ThreadPoolExecutor(num_clients) as pool:
        answers = list(pool.map(ask, loads))
    return answers, memory, sum(answer.num_tokens for answer in answers) / (time.perf_counter() - began)


def load_steering(folder: Path | None, model) -> Steering:
    """The subspace of a folder, or a random direction: what is measured here does not depend on its meaning."""
    if folder is not None:
        return Steering(SubspaceClassifier.from_pretrained(folder))
    width = model.config.hidden_size
    weight = torch.randn(width, generator=torch.Generator().manual_seed(0))
    site = HiddenSite.of(model)
    subspace = SubspaceClassifier(
        weight=weight / weight.norm(), midpoint=torch.zeros(width), attribute="random", site=site, slope=1.0
    )
    return Steering(subspace, SASAConfig(rule="identity"))


def mismatches(loads: Sequence[Load], answers: Sequence[Answer], expected: dict[Load, str | None]) -> int:
    return sum(answer.text != expected[load] for load, answer in zip(loads, answers, strict=True) if load in expected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--subspace", type=Path, default=None, help="fitted subspace; a random direction if absent")
    parser.add_argument("--requests", type=int, default=FULL_REQUESTS, help="fewer make a trial run")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--alone", type=int, default=20, help="steered requests that are asked again alone")
    parser.add_argument(
        "--max-growth-mib", type=float, default=64.0, help="of memory between the first quarter and the end"
    )
    run = parser.parse_args()
    model, tokenizer = load_model(run.model, dtype="float32")
    loads = make_loads(run.requests)
    expected, plain_speed = plain_answers(model, tokenizer, [load for load in loads if not load.strength])
    engine = Engine(
        model, tokenizer, load_steering(run.subspace, model), name=NAME, limits=ServerLimits(max_rows=run.clients)
    )
    with client_of(engine) as client:
        answers, memory, speed = run_load(client, loads, run.clients)
        again = [load for load in loads if load.strength][-run.alone :]
        alone = {load: load.ask(client).text for load in again}

    errors = [answer.error for answer in answers if answer.error is not None]
    p50, p95 = np.quantile([answer.seconds for answer in answers], [0.5, 0.95])
    growth = max(memory) - memory[0]
    figures = [
        Figure(id="failed requests", value=len(errors), unit="requests", better="lower", target=0),
        Figure(
            id="strength 0 unlike generate",
            value=mismatches(loads, answers, expected),
            unit="answers",
            better="lower",
            target=0,
        ),
        Figure(
            id="steered unlike alone", value=mismatches(loads, answers, alone), unit="answers", better="lower", target=0
        ),
        Figure(id="memory growth after a quarter", value=growth, unit="MiB", better="lower", target=run.max_growth_mib),
        Figure(id="latency p50", value=float(p50), unit="s", better="lower"),
        Figure(id="latency p95", value=float(p95), unit="s", better="lower"),
        Figure(id="throughput", value=speed, unit="tokens/s", better="higher", baseline=plain_speed),
    ]
    config = {
        **vars(run),
        "subspace": "random direction" if run.subspace is None else run.subspace.name,
        "dtype": "float32",
        "torch_threads": torch.get_num_threads(),
        "strengths": STRENGTHS,
        "checked_against_generate": len(expected),
        "checked_against_alone": len(alone),
        "baseline": "plain generate, one request after the other, of the strength 0 requests",
    }
    path = write_record(
        "bench_server",
        results_dir=RESULTS,
        command=" ".join(["python", "benchmarks/bench_server.py", *sys.argv[1:]]),
        config=config,
        seeds=sorted(load.seed for load in loads),
        figures=figures,
        shortened=run.requests < FULL_REQUESTS,
        extra={"memory_mib": memory, "errors": errors[:5]},
    )
    for figure in figures:
        print(
            f"{figure.id}: {figure.value:.3g} {figure.unit}"
            + ("" if figure.target is None else f" (target {figure.target:g})")
        )
    print(path.name)
    if any(figure.target is not None and figure.value > figure.target for figure in figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
