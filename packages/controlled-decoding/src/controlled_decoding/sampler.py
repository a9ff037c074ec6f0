"""SASA as a ``custom_generate`` callable: transformers prepares inputs, processors and stopping criteria, this runs
the loop.

Usage: ``model.generate(**inputs, custom_generate=controlled_generate, steering=Steering(subspace))``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel, StoppingCriteriaList, TopPLogitsWarper
from transformers.generation import GenerateDecoderOnlyOutput, GenerationMode
from transformers.generation.streamers import BaseStreamer

from controlled_decoding.decoder import Pick, SteeredDecoder, Step
from controlled_decoding.steering import Steering
from gpu_commons import open_branches
from gpu_commons.cache_name import cache_argument, cache_of

LOOP_MODES = (GenerationMode.GREEDY_SEARCH, GenerationMode.SAMPLE)


def controlled_generate(
    model: PreTrainedModel,
    input_ids: Int[Tensor, "batch prompt"],
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    *,
    steering: Steering,
    strengths: Float[Tensor, "batch attributes"] | None = None,
    plan: str = "auto",
    generators: Sequence[torch.Generator] | None = None,
    observe: Callable[[Step], None] | None = None,
    token_streamer: BaseStreamer | None = None,
    **model_kwargs: Any,
) -> Int[Tensor, "batch total"] | GenerateDecoderOnlyOutput:
    """Decode greedily or by sampling while steering by subspaces; called by ``model.generate``, which supplies the
    first five arguments.

    Processors, temperature and nucleus are applied to the model's distribution first; SASA shifts what is left of it.

    Args:
        steering: Subspaces and settings.
        strengths: Beta per row and attribute instead of the configured ones; all-zero rows are decoded plainly.
        plan: "tree", "batch" or "auto", see :func:`gpu_commons.open_branches`.
        generators: One random generator a row, so that a row's draw does not depend on its batch; the global one if
            absent.
        observe: Called with every step, for traces.
        token_streamer: Gets the tokens; `generate` hands its own ``streamer`` to built-in loops only, so it is named
            anew here.
        model_kwargs: What `generate` prepared for the model: attention mask, cache.

    Raises:
        ValueError: For beams or assisted decoding, an empty prompt, right padding, or a model that the subspaces do
            not fit.
    """
    mode = generation_config.get_generation_mode(None)
    if mode not in LOOP_MODES:
        raise ValueError(
            f"this loop samples or decodes greedily, got {mode.value}; use `SASA.generate`, which runs beams through its logits processor."
        )
    if input_ids.shape[1] == 0:
        raise ValueError(
            "the prompt is empty: there is no state to steer from; start it with the tokenizer's bos token."
        )
    steering.check(model)
    steering.check_projection(model)
    strengths = steering.strengths(len(input_ids)) if strengths is None else strengths
    strengths = strengths.to(input_ids.device)
    own_nucleus = any(isinstance(processor, TopPLogitsWarper) for processor in logits_processor)
    special_ids = special_tokens(generation_config)
    pick = make_pick(sample=generation_config.do_sample, generators=generators)
    pad = generation_config._pad_token_tensor
    kept_scores: list[Tensor] = []
    kept_logits: list[Tensor] = []
    prompt_length, unfinished = input_ids.shape[1], torch.ones_like(input_ids[:, 0], dtype=torch.bool)

    with steering.listen(model) as taps:
        cache, columns, unread_mask = _context(input_ids, model_kwargs)
        branches = open_branches(model, plan=plan, cache=cache, columns=columns)
        decoder = SteeredDecoder(
            model, steering, branches, taps, special_ids=special_ids, top_p=1.0 if own_nucleus else None
        )
        decoder.prefill(input_ids[:, -unread_mask.shape[1] :], unread_mask)
        while bool(unfinished.any()):
            logits = decoder.logits()
            scores = logits_processor(input_ids, logits.clone())
            forced = None if pad is None else torch.where(unfinished, -1, pad.to(input_ids.device))
            tokens = decoder.step(
                scores, strengths, pick, step=input_ids.shape[1] - prompt_length, forced=forced, observe=observe
            )
            input_ids = torch.cat([input_ids, tokens[:, None]], dim=-1)
            if generation_config.output_scores:
                kept_scores.append(scores)
            if generation_config.output_logits:
                kept_logits.append(logits)
            if token_streamer is not None:
                token_streamer.put(tokens.cpu())
            unfinished &= ~stopping_criteria(input_ids, scores).to(unfinished.device)
    if token_streamer is not None:
        token_streamer.end()
    if not generation_config.return_dict_in_generate:
        return input_ids
    return GenerateDecoderOnlyOutput(
        sequences=input_ids,
        scores=tuple(kept_scores) if generation_config.output_scores else None,
        logits=tuple(kept_logits) if generation_config.output_logits else None,
        **cache_argument(GenerateDecoderOnlyOutput, branches.cache),
    )


def make_pick(*, sample: bool, generators: Sequence[torch.Generator] | None = None) -> Pick:
    """How a token is chosen from scores: the largest, or a draw (from each row's own generator if there are any)."""

    def pick(scores: Float[Tensor, "rows choices"], rows: Sequence[int]) -> Int[Tensor, " rows"]:
        if not sample:
            return scores.argmax(-1)
        p = scores.softmax(-1)
        if generators is None:
            return torch.multinomial(p, num_samples=1)[:, 0]
        draws = [
            torch.multinomial(p[place], num_samples=1, generator=generators[row]) for place, row in enumerate(rows)
        ]
        return torch.cat(draws)

    return pick


def special_tokens(generation_config: GenerationConfig) -> list[int]:
    """Ids of the end, pad and begin tokens."""
    ends = generation_config.eos_token_id
    ids = [
        *(ends if isinstance(ends, list | tuple) else [ends]),
        generation_config.pad_token_id,
        generation_config.bos_token_id,
    ]
    return sorted({int(token) for token in ids if token is not None})


def _context(input_ids: Tensor, model_kwargs: dict[str, Any]) -> tuple[Any, Tensor | None, Tensor]:
    """The cache, which of its columns are tokens (None if it is empty), and the mask of the prompt columns it has not
    read yet.
    """
    mask = model_kwargs.get("attention_mask")
    mask = torch.ones_like(input_ids) if mask is None else mask
    cache = cache_of(model_kwargs)
    # A recurrent state does not know how many tokens it has read; such a cache is taken as fresh.
    read = 0 if cache is None or all(cache.is_linear) else int(cache.get_seq_length())
    if read >= mask.shape[1]:
        raise ValueError(
            f"the cache has read {read} columns and the prompt has {mask.shape[1]}; it must leave at least one to read."
        )
    return cache, (mask[:, :read].bool() if read else None), mask[:, read:]
