"""What it costs to ask a language model: one cache for many episodes, against prompting it anew for every question.

The same episode is played both ways: by itself with the whole text read for each question, and beside others with every
round read once. Prompts, answers and chance are the same, so that moves and log-probabilities can be compared.

SmolLM2 on a CPU or, with ``--shape llama-8b``, random weights in the shape of Llama 3 8B on an accelerator, where the
clock counts and not the CPU.
"""

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from agent_tom.prompting_cost import GAME, PARTNER, PromptingCost, prompting_cost
from gpu_commons import Figure, load_model, resolve_device, write_record
from gpu_commons.models import LoadedModel, bundled_path

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--shape", choices=tuple(SHAPES), default="smollm2-135m")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--episodes", type=int, help="played side by side with a cache; 8, or 64 of 8B")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    load, episodes = SHAPES[run.shape]
    run.episodes = run.episodes or episodes
    model, tokenizer = load()
    cost = prompting_cost(model, tokenizer, rounds=run.rounds, episodes=run.episodes)
    figures = of_cpu(cost, run) if model.device.type == "cpu" else of_accelerator(cost, run)
    figures.append(
        Figure(
            id="tokens read, prompted anew over with a cache",
            value=cost.anew_tokens / cost.cached_tokens,
            unit="ratio",
            better="higher",
            target=30.0,
        )
    )
    path = write_record(
        f"bench_language_model_{run.shape}",
        results_dir=run.results,
        command=f"python benchmarks/bench_language_model.py --shape {run.shape}",
        config={
            "shape": run.shape,
            "device": str(model.device),
            "dtype": str(model.dtype).removeprefix("torch."),
            "threads": 1,
            "rounds": run.rounds,
            "episodes": run.episodes,
            "game": GAME,
            "partner": PARTNER,
        },
        seeds=[0],
        figures=figures,
        shortened=run.rounds < 100 or run.episodes < episodes,
    )
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit}")
    print(path.name)


def smollm2() -> LoadedModel:
    """The bundled model, in the format in which log-probabilities can be compared."""
    return load_model("bundled:smollm2-135m-instruct", dtype="float32", device="cpu")


def random_llama() -> LoadedModel:
    """Random weights in the shape of Llama 3 8B; text is cut into tokens as SmolLM2 does it."""
    config = LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
    )
    torch.manual_seed(0)
    with torch.device(resolve_device("auto")):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    return LoadedModel(model, AutoTokenizer.from_pretrained(bundled_path("smollm2-135m-instruct")))


SHAPES = {"smollm2-135m": (smollm2, 8), "llama-8b": (random_llama, 64)}
"""Models, and how many episodes are played side by side."""


def of_cpu(cost: PromptingCost, run: argparse.Namespace) -> list[Figure]:
    """Time, and whether both ways say the same."""
    return [
        Figure(
            id=f"CPU time of an episode, {run.episodes} side by side, with a cache",
            value=cost.cached_s,
            baseline=cost.anew_s,
            unit="s",
            better="lower",
        ),
        Figure(
            id="CPU time of an episode, with a cache over prompted anew",
            value=cost.cached_s / cost.anew_s,
            unit="ratio",
            better="lower",
            target=0.1,
        ),
        Figure(
            id="largest difference of a log-probability",
            value=cost.largest_difference,
            unit="nats",
            better="lower",
            target=1e-4,
        ),
        Figure(id="moves that differ", value=float(cost.moves_that_differ), unit="moves", better="lower", target=0.0),
    ]


def of_accelerator(cost: PromptingCost, run: argparse.Namespace) -> list[Figure]:
    """Rounds by the clock. In bfloat16 both ways round otherwise, and moves of random weights are close calls."""
    cached, anew = run.rounds / cost.cached_s, run.rounds / cost.anew_s
    return [
        Figure(
            id=f"rounds, {run.episodes} episodes side by side, with a cache",
            value=cached,
            baseline=anew,
            unit="rounds/s",
            better="higher",
        ),
        Figure(id="rounds, with a cache over prompted anew", value=cached / anew, unit="ratio", better="higher"),
    ]


if __name__ == "__main__":
    main()
