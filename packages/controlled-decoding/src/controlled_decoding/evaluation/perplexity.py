"""Perplexity of continuations given their prompts, under any causal language model.

Texts are tokenised anew, so the model need not share the tokenizer of the one that wrote them. A model that judges its
own samples under-counts the damage of steering; measure under a second model as well.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

_IGNORED = -100


class ContinuationNLL(NamedTuple):
    """Summed negative log-likelihood in nats of a continuation's tokens, and how many there are in the judging model's
    tokenizer.
    """

    nats: float
    tokens: int


@torch.inference_mode()
def continuation_nll(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[tuple[str, str]],
    *,
    batch_size: int = 16,
) -> list[ContinuationNLL]:
    """Score (prompt, continuation) pairs; only the continuation's tokens count.

    Prompt and continuation are tokenised as one text, as the model would meet it; a token that holds characters of both
    counts to the continuation. A first token with nothing before it, not even a BOS, is not counted. An empty
    continuation gives (0, 0).

    Perplexity of a set is exp(sum of nats / sum of tokens).

    Raises:
        ValueError: If the tokenizer is a slow one, which cannot say where its tokens lie in the text.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"perplexity needs a fast tokenizer, which knows character offsets; {type(tokenizer).__name__} is a slow one."
        )
    rows = [_tokens_and_targets(tokenizer, prompt, continuation) for prompt, continuation in pairs]
    results = [ContinuationNLL(0.0, 0)] * len(rows)
    order = sorted(
        (i for i, (_, targets) in enumerate(rows) if any(t != _IGNORED for t in targets)), key=lambda i: len(rows[i][0])
    )
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        nats = _batch_nats(model, [rows[i] for i in indices])
        for i, value in zip(indices, nats.tolist(), strict=True):
            results[i] = ContinuationNLL(value, sum(target != _IGNORED for target in rows[i][1]))
    return results


def _tokens_and_targets(
    tokenizer: PreTrainedTokenizerBase, prompt: str, continuation: str
) -> tuple[list[int], list[int]]:
    """Token ids, and the same ids with everything but the continuation replaced by the ignored mark."""
    encoded = tokenizer(prompt + continuation, return_offsets_mapping=True, verbose=False)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    targets = [token if end > len(prompt) else _IGNORED for token, (_, end) in zip(ids, offsets, strict=True)]
    return ids, [_IGNORED, *targets[1:]] if ids else targets


def _batch_nats(model: PreTrainedModel, rows: list[tuple[list[int], list[int]]]) -> Float[Tensor, " rows"]:
    ids = _right_padded([ids for ids, _ in rows], 0).to(model.device)
    targets = _right_padded([targets for _, targets in rows], _IGNORED).to(model.device)
    mask = _right_padded([[1] * len(ids) for ids, _ in rows], 0).to(model.device)
    # Only the columns from the first wanted prediction on go through the output matrix, the largest one of a small
    # model.
    first = int((targets != _IGNORED).any(0).nonzero()[0])
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=ids.shape[1] - first + 1).logits
    nats = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().transpose(1, 2), targets[:, first:], reduction="none", ignore_index=_IGNORED
    )
    return nats.double().sum(1).cpu()


def _right_padded(rows: list[list[int]], value: int) -> Int[Tensor, "rows columns"]:
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)
