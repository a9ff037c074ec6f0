"""Cost per generated token of SASA's plans beside plain decoding and the released code's scheme.

All rows continue the same random prompt on the same model in turn, round after round, on one thread; a step's cost is
the median CPU time between two calls of a stopping criterion, a ratio's interval is a bootstrap over rounds. The
subspace is random: cost does not depend on its direction.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import DynamicCache, LogitsProcessor, StoppingCriteria

from controlled_decoding.config import SASAConfig
from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons import Figure, load_model, write_record
from gpu_commons.cache_name import cache_argument

RESULTS = Path(__file__).parent / "results"


class Clock(StoppingCriteria):
    """Never stops; remembers the CPU time of every step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids, scores, **kwargs):
        self.times.append(time.process_time())
        return torch.zeros(len(input_ids), dtype=torch.bool)

    def step_ms(self) -> float:
        return 1e3 * float(np.median(np.diff(self.times)))


class ReleasedScheme(LogitsProcessor):
    """What the released processor does at every step: a pass of its own to bring its cache up to date, then K copies
    of that cache.

    Re-stated from its description (specs: two extra passes, K output embeddings, batch 1), for timing only.
    """

    def __init__(self, model, subspace: SubspaceClassifier, num_candidates: int, strength: float):
        self.model, self.subspace, self.num_candidates, self.strength = model, subspace, num_candidates, strength
        self.cache = DynamicCache(config=model.config)

    @torch.no_grad()
    def __call__(self, input_ids, scores):
        unread = input_ids[:, self.cache.get_seq_length() :]
        self.model(
            input_ids=unread,
            **cache_argument(self.model.forward, self.cache),
            use_cache=True,
            output_hidden_states=True,
        )
        top = scores.topk(self.num_candidates)
        copies = DynamicCache(config=self.model.config)
        for layer, (keys, values) in enumerate((layer.keys, layer.values) for layer in self.cache.layers):
            repeat = (self.num_candidates, 1, 1, 1)
            copies.update(keys.repeat(repeat), values.repeat(repeat), layer)
        output = self.model(
            input_ids=top.indices.T,
            **cache_argument(self.model.forward, copies),
            use_cache=True,
            output_hidden_states=True,
        )
        margins = self.subspace.margins(output.hidden_states[-1][:, -1])
        steered = torch.full_like(scores, -torch.inf)
        return steered.scatter(1, top.indices, top.values + self.strength * margins.softmax(-1)[None])


@dataclass
class Contender:
    name: str
    run: Callable[[Clock], None]


def random_subspace(model) -> SubspaceClassifier:
    width = model.config.hidden_size
    weight = torch.randn(width, generator=torch.Generator().manual_seed(0))
    return SubspaceClassifier(
        weight=weight / weight.norm(),
        midpoint=torch.zeros(width),
        attribute="random",
        site=HiddenSite.of(model),
        slope=1.0,
    )


def contenders(model, tokenizer, prompt: dict[str, torch.Tensor], tokens: int) -> list[Contender]:
    subspace = random_subspace(model)
    options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": True, "top_k": 0, "top_p": 1.0}

    def sasa(num_candidates: int, plan: str, top_p: float = 1.0) -> Callable[[Clock], None]:
        config = SASAConfig(rule="identity", top_p=top_p, max_candidates=num_candidates)
        method = SASA(subspace, config=config, plan=plan)
        return lambda clock: method.generate(model, tokenizer, prompt, stopping_criteria=[clock], **options)

    def processor(num_candidates: int) -> Callable[[Clock], None]:
        config = SASAConfig(rule="identity", top_p=1.0, max_candidates=num_candidates)

        def run(clock: Clock) -> None:
            cache = DynamicCache(config=model.config)
            steer = SASA(subspace, config=config).processor(model, prompt["attention_mask"], cache)
            model.generate(
                **prompt,
                **cache_argument(model.forward, cache),
                logits_processor=[steer],
                stopping_criteria=[clock],
                **options,
            )

        return run

    def released(clock: Clock) -> None:
        scheme = ReleasedScheme(model, subspace, 50, 1.0)
        model.generate(**prompt, logits_processor=[scheme], stopping_criteria=[clock], **options)

    return [
        Contender("plain", lambda clock: model.generate(**prompt, stopping_criteria=[clock], **options)),
        Contender("tree-k20", sasa(20, "tree")),
        Contender("tree-nucleus0.9-k20", sasa(20, "tree", top_p=0.9)),
        Contender("rows-k20", sasa(20, "batch")),
        Contender("processor-k20", processor(20)),
        Contender("tree-k50", sasa(50, "tree")),
        Contender("released-k50", released),
    ]


def ratio(times: dict[str, list[float]], above: str, below: str, seed: int) -> tuple[float, tuple[float, float]]:
    """Median over rounds of the ratio, with a 95 % bootstrap interval over rounds."""
    ratios = np.array(times[above]) / np.array(times[below])
    draws = np.random.default_rng(seed).choice(ratios, (10_000, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(np.median(ratios)), (float(low), float(high))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    run = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    model, tokenizer = load_model(run.model, dtype=run.dtype)
    ids = torch.randint(
        100, model.config.vocab_size, (1, run.context), generator=torch.Generator().manual_seed(run.seed)
    )
    rows = contenders(model, tokenizer, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, run.tokens)
    times: dict[str, list[float]] = {row.name: [] for row in rows}
    for number in range(run.rounds + 1):
        for row in rows:
            clock = Clock()
            row.run(clock)
            if number:  # the first round warms up
                times[row.name].append(clock.step_ms())
        print({name: round(float(np.median(values)), 1) for name, values in times.items() if values}, file=sys.stderr)
    figures = [
        Figure(
            id=f"ms-{name}",
            value=float(np.median(values)),
            interval=(min(values), max(values)),
            unit="CPU ms/token",
            better="lower",
        )
        for name, values in times.items()
    ]
    for above, below, target in [
        ("tree-k20", "plain", 1.4),
        ("tree-nucleus0.9-k20", "plain", None),
        ("rows-k20", "plain", None),
        ("processor-k20", "plain", None),
        ("tree-k50", "plain", None),
        ("tree-k50", "released-k50", 0.5),
    ]:
        value, interval = ratio(times, above, below, run.seed)
        figures.append(
            Figure(
                id=f"{above}/{below}",
                value=value,
                interval=interval,
                unit="ratio",
                better="lower",
                target=target,
                baseline=1.0,
            )
        )
        print(f"{above}/{below}: {value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}] target {target}")
    config = {**vars(run), "threads": 1, "clock": "process CPU time"}
    command = " ".join(["python", "benchmarks/bench_cost.py", *sys.argv[1:]])
    path = write_record(
        "bench_cost",
        results_dir=RESULTS,
        command=command,
        config=config,
        seeds=[run.seed],
        figures=figures,
        shortened=run.rounds < 9,
    )
    print(path.name)


if __name__ == "__main__":
    main()
