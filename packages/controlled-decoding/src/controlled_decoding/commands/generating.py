"""Verbs that generate under steering: text, a page that shows each token, and a server."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from controlled_decoding.commands.opening import DEFAULT_MODEL, Dtype, load, open_subspaces
from controlled_decoding.config import SASAConfig
from controlled_decoding.serving.limits import ServerLimits
from gpu_commons.cli import show


def generate(
    subspace: str,
    prompt: str | None = None,
    prompts: str | None = None,
    model: str = DEFAULT_MODEL,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    weights: list[float] | None = None,
    chat: bool = False,
    n: int = 1,
    max_new_tokens: int = 64,
    greedy: bool = False,
    temperature: float = 1.0,
    top_p: float | None = None,
    num_beams: int = 1,
    seed: int = 0,
    batch_size: int = 8,
    force: bool = False,
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Continue prompts under steering.

    Args:
        subspace: Folder or hub id of a subspace, or several with commas between.
        prompt: One prompt.
        prompts: File of prompts (txt, JSONL, CSV, Parquet), continued in batches.
        model: Hub id, folder, .gguf file or bundled:NAME.
        sasa: Settings of the sampler.
        weights: Relative strength of each subspace.
        chat: Send each prompt as a user's turn through the chat template.
        n: Continuations of each prompt.
        max_new_tokens: Length of a continuation at most.
        greedy: Take the best token instead of drawing one.
        temperature: Of the draw.
        top_p: Nucleus of the draw, which then also bounds the candidates instead of --sasa.top_p.
        num_beams: Beam search instead of sampling.
        seed: Of the draws.
        batch_size: Prompts at a time.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
        json: One JSON object a continuation.
    """
    from controlled_decoding.generation import continuations
    from controlled_decoding.methods.sasa import SASA
    from controlled_decoding.prompts import Prompt, read_prompts

    if (prompt is None) == (prompts is None):
        raise ValueError("give either --prompt or --prompts.")
    wanted = [Prompt(id="prompt", text=prompt, category="")] if prompt is not None else read_prompts(str(prompts))
    method = SASA(open_subspaces(subspace), config=sasa, weights=weights, force=force)
    sampling: dict[str, Any] = {"max_new_tokens": max_new_tokens, "num_return_sequences": n, "num_beams": num_beams}
    sampling |= (
        {"do_sample": False}
        if greedy or num_beams > 1
        else {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    )
    for answer in continuations(
        *load(model, dtype), method, wanted, chat=chat, seed=seed, batch_size=batch_size, **sampling
    ):
        show(asdict(answer) if json else answer.text, as_json=json)


def trace(
    subspace: str,
    prompt: str,
    out: str = "trace.html",
    strengths: list[float] = [0.0, 1.0],  # noqa: B006 - read only
    model: str = DEFAULT_MODEL,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    max_new_tokens: int = 40,
    greedy: bool = False,
    seed: int = 0,
    force: bool = False,
    dtype: Dtype = "auto",
) -> None:
    """Write an HTML page (and JSONL beside it) that shows generations token by token, one for each strength.

    Args:
        subspace: Folder or hub id of a subspace, or several with commas between.
        prompt: The prompt.
        out: The page.
        strengths: Strengths to show beside each other.
        model: Hub id, folder, .gguf file or bundled:NAME.
        sasa: Other settings.
        max_new_tokens: Length of a continuation.
        greedy: Take the best token instead of drawing one.
        seed: Of the draws.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
    """
    import torch

    from controlled_decoding.methods.sasa import SASA
    from controlled_decoding.tracing import Trace, write_page

    subspaces, loaded, traces = open_subspaces(subspace), load(model, dtype), []
    for strength in strengths:
        torch.manual_seed(seed)
        method = SASA(subspaces, config=replace(sasa, strength=strength), force=force)
        traces.append(Trace.record(method, *loaded, prompt, do_sample=not greedy, max_new_tokens=max_new_tokens))
        traces[-1].to_jsonl(Path(out).with_suffix(f".{strength:g}.jsonl"))
    print(write_page(traces, out))


def serve(
    subspace: str,
    model: str = DEFAULT_MODEL,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    weights: list[float] | None = None,
    limits: ServerLimits = ServerLimits(),  # noqa: B008 - frozen
    force: bool = False,
    dtype: Dtype = "auto",
) -> None:
    """Serve an OpenAI-compatible API; requests choose their strength in extra_body.

    Args:
        subspace: Folder or hub id of a subspace, or several with commas between.
        model: Hub id, folder, .gguf file or bundled:NAME.
        name: What clients call the model; the last part of --model by default.
        host: Address to listen on.
        port: Port to listen on.
        sasa: Settings, and the strength of requests that name none.
        weights: Relative strength of each subspace.
        limits: Bounds on requests.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
    """
    from controlled_decoding.serving.server import bind, run_server
    from controlled_decoding.steering import Steering

    listener = bind(host, port)  # before the model: a taken port should be known at once
    steering = Steering(open_subspaces(subspace), sasa, weights=weights, force=force)
    loaded = load(model, dtype)
    print(f"listening on http://{host}:{listener.getsockname()[1]}/v1", file=sys.stderr)
    run_server(
        *loaded,
        steering,
        listener=listener,
        name=name or model.rstrip("/").split("/")[-1].split(":")[-1],
        limits=limits,
    )
