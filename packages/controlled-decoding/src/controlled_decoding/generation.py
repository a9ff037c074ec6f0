"""Continuing many prompts in batches with any method."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.methods.method import Method
from controlled_decoding.prompts import Prompt


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """One continuation: which prompt, which of its several (0-based), and the text without the prompt."""

    prompt_id: str
    index: int
    text: str


def continuations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    method: Method,
    prompts: Sequence[Prompt],
    *,
    chat: bool = False,
    seed: int = 0,
    batch_size: int = 8,
    **generate_kwargs: Any,
) -> Iterator[Continuation]:
    """Continue prompts batch by batch, in order.

    Args:
        chat: Send each prompt as a user's turn through the chat template.
        seed: Of torch's global generator, set once before the first batch.
        batch_size: Prompts at a time.
        generate_kwargs: Of transformers' `generate`.

    Raises:
        ValueError: If a prompt has no token.
    """
    torch.manual_seed(seed)
    for start in tqdm(
        range(0, len(prompts), batch_size), desc=method.name, unit="batch", disable=len(prompts) <= batch_size
    ):
        batch = prompts[start : start + batch_size]
        texts = [_as_chat(tokenizer, prompt.text) if chat else prompt.text for prompt in batch]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=not chat)
        for prompt, length in zip(batch, inputs["attention_mask"].sum(-1).tolist(), strict=True):
            if length == 0:
                raise ValueError(
                    f"prompt {prompt.id!r} is empty: there is no state to steer from; start it with the tokenizer's bos token."
                )
        tensors = {name: inputs[name].to(model.device) for name in ("input_ids", "attention_mask")}
        sequences = method.generate(model, tokenizer, tensors, **generate_kwargs)
        answers = tokenizer.batch_decode(sequences[:, tensors["input_ids"].shape[1] :], skip_special_tokens=True)
        repeats = len(answers) // len(batch)
        for place, text in enumerate(answers):
            yield Continuation(prompt_id=batch[place // repeats].id, index=place % repeats, text=text)


def _as_chat(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    return str(
        tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True, tokenize=False)
    )
