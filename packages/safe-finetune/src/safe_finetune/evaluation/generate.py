"""Greedy responses to prompts, batched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from safe_finetune.evaluation.prompts import Prompt

# A model's own defaults (sampling, penalties of repetition) would make answers depend on its config file.
GREEDY: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 50,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
}


def encode_prompts(
    prompts: Sequence[Prompt], model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_new_tokens: int
) -> list[list[int]]:
    """Token ids of each prompt as a user's message in the tokenizer's chat template, ready for a response.

    Raises:
        ValueError: If the tokenizer has no chat template, or a prompt leaves no room for the response.
    """
    if tokenizer.chat_template is None:
        raise ValueError(
            "the tokenizer has no chat template; set `tokenizer.chat_template` to what the model was tuned on."
        )
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    encoded = []
    for prompt in prompts:
        message = {"role": "user", "content": prompt.text}
        text = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
        tokens = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        if room is not None and len(tokens) + max_new_tokens > room:
            raise ValueError(
                f"{prompt.place}: has {len(tokens)} tokens, and with `max_new_tokens` {max_new_tokens} more than the "
                f"{room} that the model reads; leave the prompt out or ask for fewer."
            )
        encoded.append(tokens)
    return encoded


def batches_of(token_ids: Sequence[Sequence[int]], batch_size: int) -> Iterator[list[int]]:
    """Indices of each batch; prompts of like length go together, for less padding. The same for the same prompts."""
    order = sorted(range(len(token_ids)), key=lambda index: len(token_ids[index]))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


@torch.inference_mode()
def respond(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    token_ids: Sequence[list[int]],
    max_new_tokens: int,
) -> list[str]:
    """The most probable response to each prompt, token by token, without special tokens."""
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    input_ids, attention_mask = _padded(token_ids, pad)
    with _contiguous_input(model.get_output_embeddings()):
        sequences = model.generate(
            input_ids=input_ids.to(model.device),
            attention_mask=attention_mask.to(model.device),
            max_new_tokens=max_new_tokens,
            pad_token_id=pad,
            **GREEDY,
        )
    return tokenizer.batch_decode(sequences[:, input_ids.shape[1] :], skip_special_tokens=True)


@contextmanager
def _contiguous_input(head: nn.Module | None) -> Iterator[None]:
    """Hand a layer contiguous states while this lasts; without a layer, do nothing.

    Those of the last tokens are a slice. On a CPU in bfloat16, torch would multiply a slice by a frozen table, as that
    of a model with adapters is, once for each row, and copy the table for each.
    """
    if head is None:  # not every model names its own
        yield
        return
    handle = head.register_forward_pre_hook(lambda _, inputs: tuple(each.contiguous() for each in inputs))
    try:
        yield
    finally:
        handle.remove()


def _padded(
    token_ids: Sequence[list[int]], pad: int | None
) -> tuple[Int[Tensor, "prompts tokens"], Int[Tensor, "prompts tokens"]]:
    """Token ids padded on the left, where a decoder's responses do not follow, and their mask."""
    if pad is None:
        raise ValueError("the tokenizer has neither a pad nor an end token; set `tokenizer.pad_token`.")
    length = max(len(tokens) for tokens in token_ids)
    input_ids = torch.full((len(token_ids), length), pad)
    attention_mask = torch.zeros(len(token_ids), length, dtype=torch.long)
    for at, tokens in enumerate(token_ids):
        input_ids[at, length - len(tokens) :] = torch.tensor(tokens)
        attention_mask[at, length - len(tokens) :] = 1
    return input_ids, attention_mask
