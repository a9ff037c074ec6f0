"""How many episodes a decoder answers to the word, under the gates that are asked for."""

from collections.abc import Sequence

import torch
from tqdm import tqdm

from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.episode import Episode
from memory_llm.epman.episode_batch import EpisodeCollator
from memory_llm.epman.episode_draws import Draw
from memory_llm.epman.gated_attention import attention_route
from memory_llm.epman.model import EpMANForCausalLM
from memory_llm.epman.objective import answer_logits


@torch.inference_mode()
def answered(
    model: EpMANForCausalLM,
    episodes: Sequence[Episode],
    config: EpMANConfig,
    *,
    batch_size: int = 8,
    seed: int = 0,
    progress: bool = False,
) -> list[bool]:
    """Whether greedy decoding would say each answer, word for word.

    The answer is read along with its question in one pass: greedy decoding says it if, and only if, each of its tokens
    is the most likely one after those before it.

    Args:
        model: On a decoder whose attention can be exchanged.
        episodes: To answer.
        config: Of the selection, see :func:`training_config`.
        batch_size: Episodes of a pass.
        seed: Of noisy gates.
        progress: Show a bar on stderr.
    """
    collator = EpisodeCollator(model, config)
    draws = [Draw(episode, seed + number) for number, episode in enumerate(episodes)]
    found: list[bool] = []
    with attention_route(model.decoder):
        for start in tqdm(range(0, len(draws), batch_size), desc="answering", disable=not progress):
            batch = collator(draws[start : start + batch_size])
            names = ("input_ids", "attention_mask", "labels", "a_mem", "parts")
            tensors = {name: batch[name].to(model.decoder.device) for name in names}
            logits, wanted = answer_logits(
                model.decoder, **tensors, apart=config.prefill == "independent", layers=config.layers
            )
            ends = wanted == model.tokenizer.eos_token_id  # where an answer stops is not part of it
            right = (logits.argmax(-1) == wanted) | (wanted < 0) | ends
            found += right.all(-1).tolist()
    return found
