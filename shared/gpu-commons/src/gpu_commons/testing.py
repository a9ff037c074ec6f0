"""Tiny random models and a tiny tokenizer, for tests that need an architecture but no knowledge; packages that seem to
be absent; several processes.
"""

import importlib.metadata
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

_DECODER = {
    "vocab_size": 320,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
_GEMMA = {**_DECODER, "head_dim": 8, "query_pre_attn_scalar": 8}
_FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", _DECODER),
    "qwen": ("qwen2", _DECODER),
    "gpt2": ("gpt2", {"vocab_size": 320, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512}),
    "gptj": ("gptj", {"vocab_size": 320, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512, "rotary_dim": 4}),
    "gemma": ("gemma3_text", {**_GEMMA, "layer_types": ["full_attention"] * 3}),
    "gemma-sliding": (
        "gemma3_text",
        {**_GEMMA, "sliding_window": 4, "layer_types": ["sliding_attention"] * 2 + ["full_attention"]},
    ),
    "mamba": ("mamba", {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 3, "state_size": 4}),
    "t5": ("t5", {"vocab_size": 320, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}),
}
FAMILIES = tuple(_FAMILIES)

_TEXT = [
    "the quick brown fox jumps over the lazy dog and then sleeps in the warm sun all day",
    "a model reads a text token by token, and every token moves its hidden state a little",
    "Kindly help me with the garden, please; the weather is lovely and the roses are red.",
    "numbers such as 0 1 2 3 4 5 6 7 8 9 and signs such as ! ? : ; ( ) are tokens as well",
]
_CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }}<eos>{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)


def tiny_model(
    family: str = "llama", *, seed: int = 0, attn_implementation: str | None = None, **overrides: Any
) -> PreTrainedModel:
    """A random three-layer causal language model in float32 and eval mode.

    Args:
        family: One of ``FAMILIES``; "t5" is the encoder-decoder that must be refused.
        seed: Of the weights; the global random state is left as it was.
        attn_implementation: "sdpa" or "eager"; the family's default if absent.
        overrides: Further fields of the family's config.
    """
    model_type, fields = _FAMILIES[family]
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(model_type, **{**fields, **special, **overrides})
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    arguments = {} if attn_implementation is None else {"attn_implementation": attn_implementation}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = auto.from_config(config, **arguments)
        for parameter in model.parameters():
            # The default initialisation is so small that all tokens look alike; wider weights make margins and logits
            # differ.
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.2)
    return model.float().eval()


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of at most 320 tokens with pad (0), bos (1), eos (2) and a chat template; pads on the
    left.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", "<bos>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        padding_side="left",
        chat_template=_CHAT_TEMPLATE,
    )


def hide_distributions(monkeypatch: Any, *names: str) -> None:
    """Until a test's end, ``importlib.metadata.version`` takes these distributions for not installed.

    Args:
        monkeypatch: Pytest's fixture.
        names: Of distributions.
    """
    installed = importlib.metadata.version

    def version(name: str) -> str:
        if name in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def launch(arguments: Sequence[str], processes: int, *, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script, or ``-m`` and a module, by ``accelerate launch`` in processes that speak through gloo.

    Args:
        arguments: The script or module and its arguments; it asks for the CPU by itself.
        processes: How many.
        folder: Where they run.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"num_processes": processes, "num_machines": 1, "mixed_precision": "no", "dynamo_backend": "no"}
    options |= {"main_process_port": port}
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    several = ["--multi_gpu"] if processes > 1 else []  # accelerate's word for them
    return subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *several, *flags, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
        cwd=folder,
    )
