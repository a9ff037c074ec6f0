"""Train a decoder to answer under gated attention."""

import os
from collections.abc import Sequence
from typing import Any

import torch

from memory_llm.epman.adapter import add_lora, has_lora, save_epman
from memory_llm.epman.episode import Episode
from memory_llm.epman.episode_batch import EpisodeCollator, training_config
from memory_llm.epman.episode_draws import EpisodeDraws
from memory_llm.epman.gated_attention import attention_route
from memory_llm.epman.model import EpMANForCausalLM
from memory_llm.epman.objective import EpMANObjective
from memory_llm.epman.retriever_head import RetrieverHead, TurnedRetriever
from memory_llm.epman.retrievers import DenseRetriever
from memory_llm.training.arguments import training_arguments
from memory_llm.training.objective_trainer import ObjectiveTrainer


def train_epman(
    model: EpMANForCausalLM,
    episodes: Sequence[Episode],
    out: str | os.PathLike[str],
    *,
    epochs: float = 1.0,
    batch_size: int = 1,
    accumulate: int = 8,
    learning_rate: float = 1e-4,
    gates: str = "noisy",
    layout: str = "gather",
    train_retriever: bool = False,
    retrieval_weight: float = 0.1,
    lora: dict[str, Any] | None = None,
    seed: int = 0,
    resume: bool = False,
    **arguments: Any,
) -> EpMANForCausalLM:
    """Train adapters inside the decoder, save them into a folder, and return the model that has them.

    Memories written before are refused by it: chunks are read otherwise now. Under ``accelerate launch`` all processes
    take part, and the first one saves.

    Args:
        model: On a decoder whose attention can be exchanged.
        episodes: To learn from.
        out: Folder of the result; checkpoints lie in ``checkpoints`` below it.
        epochs: Passes over the episodes.
        batch_size: Episodes of a forward pass and device.
        accumulate: Forward passes of a step.
        learning_rate: At its height, after 3 % of the steps; it falls along a cosine.
        gates: "noisy", "uniform" or "exact" in training.
        layout: "gather" attends to the chunks found, as in use; "full" to all of an episode, the others' gates shut.
        train_retriever: Train a head on the retriever's questions too; it has to be dense.
        retrieval_weight: Of its loss.
        lora: Settings of ``peft.LoraConfig`` that differ from ours.
        seed: Of order, gates and adapters.
        resume: Go on from the last checkpoint.
        arguments: Further ``TrainingArguments``.

    Raises:
        ValueError: If there are no episodes, or the retriever has no vectors for its head.

    Source: EpMAN 1.6; rank, learning rate and schedule are not public, these are ours. Chunks are read as in use: apart
    from each other unless ``prefill`` says otherwise.
    """
    if not episodes:
        raise ValueError("`episodes` is empty; make some with `memory-llm epman make-data`.")
    head = _head(model) if train_retriever else None
    if not has_lora(model.decoder):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            add_lora(model.decoder, **(lora or {}))
    collator = EpisodeCollator(model, training_config(model.config, gates=gates, layout=layout))
    objective = EpMANObjective(
        model.decoder,
        head,
        retrieval_weight=retrieval_weight,
        layers=model.config.layers,
        apart=collator.config.prefill == "independent",
    )
    settings: dict[str, Any] = {
        "num_train_epochs": 1,  # the draws go on through all passes
        "train_sampling_strategy": "sequential",
        "per_device_train_batch_size": batch_size,
        "gradient_accumulation_steps": accumulate,
        "learning_rate": learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "logging_steps": 10,
        "save_steps": 100,
        "seed": seed,
        **arguments,
    }
    trainer = ObjectiveTrainer(
        objective,
        args=training_arguments(out, model.decoder.device, **settings),
        train_dataset=EpisodeDraws(episodes, epochs, seed=seed),
        data_collator=collator,
    )
    with attention_route(model.decoder):
        trainer.train(resume_from_checkpoint=resume or None)
    retriever = model.retriever
    if head is not None and isinstance(retriever, DenseRetriever):
        retriever = TurnedRetriever(retriever, head.cpu())
    trained = EpMANForCausalLM(model.config, model.decoder, model.tokenizer, retriever).eval()
    if trainer.is_world_process_zero():
        save_epman(trained, out)
    return trained


def _head(model: EpMANForCausalLM) -> RetrieverHead:
    if not isinstance(model.retriever, DenseRetriever):
        raise ValueError(
            f"`train_retriever` needs a retriever with vectors, got {type(model.retriever).__name__}; use a sentence "
            "encoder or a dual encoder."
        )
    width = model.retriever.encode_questions(["width"]).shape[1]
    return RetrieverHead(width).to(model.decoder.device)
