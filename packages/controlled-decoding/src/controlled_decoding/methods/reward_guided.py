"""Steering by a reward model that reads each candidate continuation."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.config import check_strength
from controlled_decoding.judges.judge import Judge
from controlled_decoding.methods.logits_method import LogitsMethod

Reward = Callable[[list[str]], Sequence[float]]
"""Takes texts, returns one reward in 0..1 for each; higher is more desired."""


class RewardGuided(LogitsMethod):
    """Add ``strength * reward`` to the logits of the k most probable tokens and exclude the rest.

    Source: Deng and Raffel, "Reward-Augmented Decoding" (RAD; EMNLP 2023, arXiv 2310.09520), with k = 20. Differs: any
    reward model over text serves, so the text is read anew for every candidate, where RAD trains a causal reward model
    that keeps a cache. The cost is k readings of the whole text by the reward model for every token and row, scored in
    one call a step.

    Args:
        score: Reward of texts (prompt, continuation so far and candidate); see :func:`judge_reward` for one from a
            classifier. A classifier whose label names the *desired* side serves as it is: ``HFClassifierJudge(...,
            label="...").score``.
        strength: Beta >= 0, in nats for the whole range of the reward.
        top_k: Candidates a step.
        name: Of the method in tables.

    Raises:
        ValueError: If ``top_k`` is under 1.
    """

    def __init__(self, score: Reward, strength: float, *, top_k: int = 20, name: str | None = None):
        if top_k < 1:
            raise ValueError(f"`top_k` must be at least 1, got {top_k}.")
        self.score, self.strength, self.top_k = score, check_strength(strength), top_k
        self.name = name or f"reward({strength:g})"

    def processor(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: Mapping[str, Tensor]
    ) -> "RewardProcessor":
        """The processor for one ``generate`` call."""
        return RewardProcessor(self.score, self.strength, tokenizer, top_k=self.top_k)


class RewardProcessor(LogitsProcessor):
    """The shift of :class:`RewardGuided`; it keeps nothing between steps.

    Args:
        score: Reward of texts.
        strength: Beta.
        tokenizer: Turns tokens into the texts that are scored, without special tokens; an end token leaves the text as
            it is.
        top_k: Candidates a step.
    """

    def __init__(self, score: Reward, strength: float, tokenizer: PreTrainedTokenizerBase, *, top_k: int = 20):
        self.score, self.strength, self.tokenizer, self.top_k = score, strength, tokenizer, top_k

    def __call__(
        self, input_ids: Int[Tensor, "rows total"], scores: Float[Tensor, "rows vocab"]
    ) -> Float[Tensor, "rows vocab"]:
        top, tokens = scores.topk(min(self.top_k, scores.shape[-1]), dim=-1)
        extended = torch.cat([input_ids[:, None].expand(-1, tokens.shape[1], -1), tokens[..., None]], dim=-1)
        rewards = self._rewards(self.tokenizer.batch_decode(extended.flatten(0, 1), skip_special_tokens=True))
        steered = top + self.strength * rewards.view(top.shape).to(top)
        return torch.full_like(scores, -torch.inf).scatter(-1, tokens, steered)

    def _rewards(self, texts: list[str]) -> Float[Tensor, " texts"]:
        rewards = torch.as_tensor(self.score(texts), dtype=torch.float32)
        if rewards.shape != (len(texts),):
            raise ValueError(
                f"the reward model gave an answer of shape {tuple(rewards.shape)} for {len(texts)} texts; it must give one number a text."
            )
        outside = ~((rewards >= 0) & (rewards <= 1))
        if outside.any():
            raise ValueError(f"the reward model gave {float(rewards[outside][0])}; rewards must lie in [0, 1].")
        return rewards


def judge_reward(judge: Judge) -> Reward:
    """One minus a judge's score, as a reward.

    ``judge_reward(HFClassifierJudge("folder-or-hub-id", label="..."))`` wraps any sequence classifier whose label names
    the undesired side.
    """

    def score(texts: list[str]) -> list[float]:
        return [1.0 - undesired for undesired in judge.score(texts)]

    return score
