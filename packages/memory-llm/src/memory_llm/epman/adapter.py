"""What training changes: low-rank adapters inside the decoder, and a head on the retriever."""

import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.model import EpMANForCausalLM
from memory_llm.epman.retriever_head import RetrieverHead, TurnedRetriever
from memory_llm.epman.retrievers import DenseRetriever, Retriever

ADAPTER_FILE, HEAD_FILE = "adapter.safetensors", "retriever_head.safetensors"
LORA = {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]}


def add_lora(decoder: PreTrainedModel, **settings: Any) -> None:
    """Put low-rank adapters into a decoder, in place, and freeze everything else.

    Args:
        decoder: Without adapters.
        settings: Of ``peft.LoraConfig``; rank 16, alpha 32, queries, keys, values and outputs if absent.

    Raises:
        ImportError: If peft is not installed.

    Source: EpMAN 1.6 trains by LoRA; rank and places are not public, these are ours.
    """
    peft = _peft()
    decoder.requires_grad_(False)
    peft.inject_adapter_in_model(peft.LoraConfig(**{**LORA, **settings}), decoder)


def has_lora(decoder: PreTrainedModel) -> bool:
    """Whether a decoder has adapters."""
    return any("lora_" in name for name, _ in decoder.named_parameters())


def save_epman(model: EpMANForCausalLM, folder: str | os.PathLike[str]) -> Path:
    """Write settings, adapters and head into a folder; base models stay where they are."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    if has_lora(model.decoder):
        peft = _peft()
        model.decoder.peft_config["default"].save_pretrained(target)
        state = {name: part.contiguous() for name, part in peft.get_peft_model_state_dict(model.decoder).items()}
        save_file(state, target / ADAPTER_FILE)
    if isinstance(model.retriever, TurnedRetriever):
        save_file(
            {name: part.detach().contiguous() for name, part in model.retriever.head.state_dict().items()},
            target / HEAD_FILE,
        )
    model.config.save_pretrained(target)
    return target


def load_epman(
    folder: str | os.PathLike[str], decoder: PreTrainedModel, tokenizer: Any, retriever: Retriever
) -> EpMANForCausalLM:
    """A model that was saved, on the base models that it was trained on.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If a file is damaged, or the base models are others.
    """
    path = Path(folder)
    if not (path / "config.json").is_file():
        raise FileNotFoundError(f"no EpMAN model in {path.absolute()}; train one with `memory-llm epman train`.")
    try:
        if (path / ADAPTER_FILE).is_file():
            peft = _peft()
            settings = peft.LoraConfig.from_pretrained(path)
            decoder.requires_grad_(False)
            peft.inject_adapter_in_model(settings, decoder)
            peft.set_peft_model_state_dict(decoder, load_file(path / ADAPTER_FILE))
        if (path / HEAD_FILE).is_file():
            retriever = _turned(retriever, path)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not fit these base models, or is damaged ({error}).") from error
    return EpMANForCausalLM(EpMANConfig.from_pretrained(path), decoder, tokenizer, retriever).eval()


def _turned(retriever: Retriever, path: Path) -> TurnedRetriever:
    state = load_file(path / HEAD_FILE)
    if not isinstance(retriever, DenseRetriever):
        raise ValueError(f"{path} has a head for a dense retriever, but got {type(retriever).__name__}.")
    head = RetrieverHead(state["turn.weight"].shape[0])
    width = retriever.encode_questions(["width"]).shape[1]
    if width != head.turn.in_features:
        raise ValueError(
            f"{path} has a head for a retriever of width {head.turn.in_features}, but the one given has {width}; give "
            "the retriever that it was trained with."
        )
    head.load_state_dict(state)
    return TurnedRetriever(retriever, head)


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise ImportError("adapters need the package peft: pip install 'memory-llm[train]'") from error
    return peft
