"""One greedy completion of a text, a question and the cue of its answer, inside the model's window."""

from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Completion(NamedTuple):
    """What the model wrote, what its device was handed for it, and how many tokens of the prompt did not fit."""

    text: str
    bytes_moved: int
    num_dropped: int


def window_of(model: PreTrainedModel) -> int | None:
    """Most tokens that the model has positions for; None if its config names no limit."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)


@torch.inference_mode()
def complete(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, *, max_new_tokens: int, window: int | None
) -> Completion:
    """Write on greedily; of a prompt that is longer than the window the last tokens are kept.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        prompt: Completed as plain text, without a chat template.
        max_new_tokens: Room left for the answer.
        window: Most tokens of prompt and answer together; None for no limit.

    Raises:
        ValueError: If the window leaves no room for a prompt.
    """
    room = None if window is None else window - max_new_tokens
    beginning = _beginning(tokenizer)
    if room is not None and room <= len(beginning):
        raise ValueError(
            f"`max_new_tokens` must leave room in the window of {window} tokens, got {max_new_tokens}; ask for fewer."
        )
    tokens = list(tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"])
    kept = tokens if room is None else tokens[-(room - len(beginning)) :]
    input_ids = torch.tensor([beginning + kept], device=model.device)
    mask = torch.ones_like(input_ids)
    written = model.generate(
        input_ids=input_ids,
        attention_mask=mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
    )
    text = tokenizer.decode(written[0, input_ids.shape[1] :], skip_special_tokens=True)
    return Completion(text, input_ids.nbytes + mask.nbytes, len(tokens) - len(kept))


def _beginning(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token that the tokenizer puts before a text, which must survive when the text's own beginning does not."""
    first = list(tokenizer("a")["input_ids"])[:1]
    return first if first == [tokenizer.bos_token_id] else []
