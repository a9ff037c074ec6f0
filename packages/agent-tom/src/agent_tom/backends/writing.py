"""A causal language model writes, token by token, for several rows together."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from agent_tom.backends.backend import Written
from gpu_commons.kv_cache import Branches
from gpu_commons.projection import project

_DRAW_BITS = 53


@torch.no_grad()
def write(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    branches: Branches,
    hidden: Float[Tensor, "rows hidden"],
    *,
    max_tokens: int,
    stop: Sequence[str],
    draws: Float[np.ndarray, " rows"] | None,
) -> list[Written]:
    """Texts after what the branches have read; what is written stays in them.

    A row that has ended goes on with the others, for nothing.

    Args:
        model: That writes.
        tokenizer: Its own.
        branches: Texts that were read.
        hidden: Final state of their last tokens.
        max_tokens: As of :meth:`agent_tom.backends.Backend.generate`, as are the next.
        stop: What ends a text.
        draws: To sample from.
    """
    ends = _end_tokens(model, tokenizer)
    numbers = None if draws is None else np.stack([_numbers(draw, max_tokens) for draw in draws.tolist()])
    said: list[list[int]] = [[] for _ in hidden]
    found: list[Written | None] = [None] * len(said)
    for place in range(max_tokens):
        tokens = _next_tokens(project(model, hidden), None if numbers is None else numbers[:, place])
        for row, token in enumerate(tokens.tolist()):
            if found[row] is None:
                said[row].append(token)
                found[row] = _ended(tokenizer, said[row], ends, stop, max_tokens)
        if None not in found:
            break
        hidden = branches.prefill(tokens[:, None])
    return [each for each in found if each is not None]


def _next_tokens(logits: Float[Tensor, "rows vocab"], numbers: np.ndarray | None) -> Int[Tensor, " rows"]:
    """The likeliest token of each row, or the one at which a uniform number falls."""
    if numbers is None:
        return logits.argmax(-1)
    ends = logits.cpu().double().softmax(-1).cumsum(-1)
    places = torch.from_numpy(numbers)[:, None] * ends[:, -1:]
    return (ends <= places).sum(-1).to(logits.device)


def _ended(
    tokenizer: PreTrainedTokenizerBase, tokens: list[int], ends: set[int], stop: Sequence[str], max_tokens: int
) -> Written | None:
    """The text if it ends here, or None."""
    over = tokens[-1] in ends
    text = str(tokenizer.decode(tokens[:-1] if over else tokens, skip_special_tokens=True))
    stops = [place for each in stop if (place := text.find(each)) >= 0]
    if not over and not stops and len(tokens) < max_tokens:
        return None
    return Written(text[: min(stops)] if stops else text, len(tokens), cut_off=not over and not stops)


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Tokens with which the model ends a text; chat models may have several."""
    known = getattr(model.generation_config, "eos_token_id", None)
    listed = known if isinstance(known, list) else [known]
    return {token for token in (*listed, tokenizer.eos_token_id) if token is not None}


def _numbers(draw: float, count: int) -> np.ndarray:
    """Uniform numbers that follow from one."""
    return np.random.default_rng(int(draw * 2**_DRAW_BITS)).random(count)
