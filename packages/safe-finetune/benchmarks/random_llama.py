"""Llama-shaped checkpoints of random weights, written in bounded memory."""

import json
from pathlib import Path

import numpy as np

from gpu_commons.shards import ShardWriter, TensorEntry, from_float64, plan_shards

WIDTH, INNER, HEADS, VOCABULARY = 2048, 5632, 16, 32_000
_BLOCK = 1 << 16


def write_random_llama(folder: Path, num_bytes: float, seed: int, max_shard_bytes: int = 400_000_000) -> Path:
    """About so many bytes of bfloat16 numbers of standard deviation 0.02, unless the folder is there already."""
    if folder.exists():
        return folder
    per_layer = 4 * WIDTH * WIDTH + 3 * WIDTH * INNER + 2 * WIDTH
    num_layers = round((num_bytes / 2 - 2 * VOCABULARY * WIDTH) / per_layer)
    planned = [TensorEntry(name, "BF16", shape, folder, 0) for name, shape in _tensors(num_layers).items()]
    writer = ShardWriter(folder, plan_shards(planned, max_shard_bytes), f"{seed}/{num_layers}")
    generator = np.random.default_rng(seed)
    noise = 0.02 * generator.standard_normal(16 * _BLOCK)
    for entry in planned:
        for start in range(0, entry.num_elements, _BLOCK):
            first = int(generator.integers(0, 15 * _BLOCK))  # a piece of the same noise: quick, and no two alike
            piece = noise[first : first + min(_BLOCK, entry.num_elements - start)]
            writer.write(entry.name, start, from_float64(piece, "BF16"))
        writer.finish(entry.name)
    (writer.aside / "config.json").write_text(json.dumps(_settings(num_layers)), encoding="utf-8")
    writer.complete()
    return folder


def _tensors(num_layers: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, WIDTH)}
    for layer in range(num_layers):
        prefix = f"model.layers.{layer}"
        found |= {f"{prefix}.self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qkvo"}
        found |= {f"{prefix}.mlp.{name}_proj.weight": (INNER, WIDTH) for name in ("gate", "up")}
        found[f"{prefix}.mlp.down_proj.weight"] = (WIDTH, INNER)
        found |= {f"{prefix}.{name}_layernorm.weight": (WIDTH,) for name in ("input", "post_attention")}
    return found | {"model.norm.weight": (WIDTH,), "lm_head.weight": (VOCABULARY, WIDTH)}


def _settings(num_layers: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": num_layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "vocab_size": VOCABULARY,
        "tie_word_embeddings": False,
        "dtype": "bfloat16",
    }
