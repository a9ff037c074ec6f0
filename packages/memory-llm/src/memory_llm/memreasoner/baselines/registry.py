"""Baselines by name, made, saved and loaded."""

import difflib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.base import Baseline
from memory_llm.memreasoner.baselines.gru import GRUBaseline
from memory_llm.memreasoner.baselines.mamba import MambaBaseline
from memory_llm.memreasoner.baselines.memn2n import MemN2NBaseline
from memory_llm.memreasoner.baselines.rmt import RMTBaseline
from memory_llm.memreasoner.baselines.transformer import TransformerBaseline

WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "baseline.json"
FORMAT_VERSION = 1
BASELINES: dict[str, type[Baseline]] = {
    each.name: each for each in (TransformerBaseline, GRUBaseline, MemN2NBaseline, RMTBaseline, MambaBaseline)
}
_TINY: dict[str, dict[str, int]] = {
    "transformer": {"width": 16, "num_layers": 2, "num_heads": 2, "mlp_width": 32},
    "gru": {"width": 16, "state_width": 64},
    "memn2n": {"width": 16},
    "rmt": {"width": 16, "num_layers": 2, "num_heads": 2, "mlp_width": 32, "memory_tokens": 2},
    "mamba": {"width": 16, "num_layers": 2, "state_size": 8, "block": 16},
}
SIZES: dict[str, dict[str, dict[str, int]]] = {"tiny": _TINY, "small": {name: {} for name in BASELINES}}


def make_baseline(
    name: str, tokenizer: PreTrainedTokenizerBase, *, size: str = "small", seed: int = 0, **settings: int
) -> Baseline:
    """An untrained baseline.

    Args:
        name: "transformer", "gru", "memn2n", "rmt" or "mamba".
        tokenizer: Of whole words, with padding and a beginning.
        size: "small" has about 250,000 parameters beside its table of words, and a width of 64; of the memory network,
            which has nothing but tables, these are its four tables of 790 words. "tiny" is for tests.
        seed: Of the weights; the global random state is left as it was.
        settings: Of the model's class, before those of the size.

    Raises:
        ValueError: If name or size is none of these.
    """
    _check("name", name, BASELINES)
    _check("size", size, SIZES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BASELINES[name](tokenizer, **{**SIZES[size][name], **settings})


def save_baseline(model: Baseline, folder: str | os.PathLike[str]) -> Path:
    """Write settings, weights and tokenizer into a folder (made if needed), aside and then renamed."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    model.tokenizer.save_pretrained(target)
    config = {"format_version": FORMAT_VERSION, "name": model.name, "settings": model.settings}
    state = {name: part.detach().cpu().contiguous() for name, part in model.state_dict().items()}
    save_file(state, target / f"{WEIGHTS_FILE}.partial")
    (target / f"{CONFIG_FILE}.partial").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name in (WEIGHTS_FILE, CONFIG_FILE):
        os.replace(target / f"{name}.partial", target / name)
    return target


def load_baseline(folder: str | os.PathLike[str]) -> Baseline:
    """A baseline that was saved.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, or of another format.
    """
    path = Path(folder)
    missing = [name for name in (CONFIG_FILE, WEIGHTS_FILE) if not (path / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"no baseline in {path.absolute()}: {' and '.join(missing)} missing; train one with `train_baseline`."
        )
    try:
        config: dict[str, Any] = json.loads((path / CONFIG_FILE).read_text(encoding="utf-8"))
        if config["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format version {config['format_version']}, this package reads {FORMAT_VERSION}")
        tokenizer = AutoTokenizer.from_pretrained(path)
        model = make_baseline(config["name"], tokenizer, **config["settings"])
        model.load_state_dict(load_file(path / WEIGHTS_FILE))
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no readable baseline ({error}); train or copy it again.") from error
    return model.eval()


def _check(argument: str, value: str, known: dict[str, Any]) -> None:
    if value not in known:
        nearest = difflib.get_close_matches(value, known, 1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"`{argument}` must be one of {', '.join(known)}, got {value!r}{hint}")
