"""Scoring targets after prompts in padded batches, whatever conditions the decoder.

The model comes in as a callable, so that a memory can condition each row of a batch by itself. Rows are padded on the
right: a causal decoder then needs no position ids, and padding cannot reach what is read.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from memory_llm.facts.method import TargetScore

Forward = Callable[[Tensor, Tensor, list[int]], Tensor]
"""``forward(input_ids, attention_mask, rows) -> logits``: token ids and mask (batch x length, on the CPU, padded on
the right), and which of the questions (0-based) the rows are; logits are batch x length x vocabulary, at the same
places."""


def plain_forward(model: PreTrainedModel) -> Forward:
    """The decoder as it is, with no memory."""

    def forward(
        input_ids: Int[Tensor, "batch length"], attention_mask: Int[Tensor, "batch length"], rows: list[int]
    ) -> Float[Tensor, "batch length vocab"]:
        device = model.device
        return model(input_ids.to(device), attention_mask=attention_mask.to(device), use_cache=False).logits

    return forward


def prompt_tokens(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str]) -> list[list[int]]:
    """Token ids of prompts, with the special tokens that the tokenizer puts before a text.

    Raises:
        ValueError: If a prompt has no tokens, so that nothing could be read after it.
    """
    tokens = tokenizer(list(prompts))["input_ids"] if prompts else []
    empty = next((row for row, ids in enumerate(tokens) if not ids), None)
    if empty is not None:
        raise ValueError(f"`prompts[{empty}]` {prompts[empty]!r} has no tokens; give it a text.")
    return tokens


def target_tokens(tokenizer: PreTrainedTokenizerBase, targets: Sequence[str]) -> list[list[int]]:
    """Token ids of " " + target, by itself: prompt and target are never merged into one token."""
    return tokenizer([f" {target}" for target in targets], add_special_tokens=False)["input_ids"] if targets else []


@torch.inference_mode()
def score_targets(
    forward: Forward,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    targets: Sequence[str],
    *,
    batch_size: int = 16,
) -> list[TargetScore]:
    """Score each target after its prompt, in the order given.

    Args:
        forward: The conditioned decoder.
        tokenizer: The decoder's; targets are tokenised with a space before them, as byte-level tokenizers expect.
        prompts: What comes before.
        targets: What is scored, without leading space.
        batch_size: Rows a forward pass; rows of like length share one.

    Raises:
        ValueError: If there are not as many targets as prompts, or a prompt has no tokens.
    """
    if len(prompts) != len(targets):
        raise ValueError(f"`prompts` has {len(prompts)} entries, but `targets` has {len(targets)}; they go in pairs.")
    before, after = prompt_tokens(tokenizer, prompts), target_tokens(tokenizer, targets)
    sequences = [first + second[:-1] for first, second in zip(before, after, strict=True)]
    scores: dict[int, TargetScore] = {}
    for rows, logits in _batches(forward, sequences, batch_size):
        for place, row in enumerate(rows):
            start = len(before[row]) - 1
            scores[row] = _score(logits[place, start : start + len(after[row])], after[row])
    return [scores[row] for row in range(len(prompts))]


@torch.inference_mode()
def next_log_probs(
    forward: Forward, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], *, batch_size: int = 16
) -> Float[Tensor, "prompts vocab"]:
    """Log-probabilities of the token after each prompt, float32 on the CPU, in the order given.

    Raises:
        ValueError: If there are no prompts, or one has no tokens.
    """
    if not prompts:
        raise ValueError("`prompts` is empty; ask at least one.")
    tokens = prompt_tokens(tokenizer, prompts)
    log_probs: dict[int, Tensor] = {}
    for rows, logits in _batches(forward, tokens, batch_size):
        for place, row in enumerate(rows):
            log_probs[row] = logits[place, len(tokens[row]) - 1].float().log_softmax(-1).cpu()
    return torch.stack([log_probs[row] for row in range(len(prompts))])


def pad(
    sequences: Sequence[Sequence[int]], *, side: str = "right", fill: int = 0
) -> tuple[Int[Tensor, "rows length"], Int[Tensor, "rows length"]]:
    """Token ids in one tensor, and the mask that is 1 on them and 0 on padding."""
    length = max(map(len, sequences))
    ids = torch.full((len(sequences), length), fill)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        places = slice(0, len(sequence)) if side == "right" else slice(length - len(sequence), length)
        ids[row, places] = torch.tensor(sequence)
        mask[row, places] = 1
    return ids, mask


def _batches(
    forward: Forward, sequences: Sequence[Sequence[int]], batch_size: int
) -> Iterator[tuple[list[int], Float[Tensor, "rows length vocab"]]]:
    order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        ids, mask = pad([sequences[row] for row in rows])
        yield rows, forward(ids, mask, rows)


def _score(logits: Float[Tensor, "target vocab"], target: list[int]) -> TargetScore:
    wanted = torch.tensor(target, device=logits.device)
    log_probs = logits.float().log_softmax(-1)
    hits = log_probs.argmax(-1) == wanted
    mean = log_probs.gather(-1, wanted[:, None]).mean()
    return TargetScore(float(mean), bool(hits[0]), bool(hits.all()))
