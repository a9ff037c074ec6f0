"""A warning before a merge: whether an average of two models can be expected to keep what both have learnt.

In a linear softmax model whose two skills use different features, let b be the base's logit deficit for a wanted
answer and m what fine-tuning added to it. The share 1 - alpha of the domain's change keeps its answer if
(1 - alpha) m_d > b_d, the share alpha of the aligned one's if alpha m_a > b_a; so a good alpha exists if and only if
b_d / m_d + b_a / m_a < 1. Our own derivation. Skills of a real model share features, so that it is a warning there and
no forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Needs:
    """The share of its own change that each prompt needs to keep its wanted answer: b / m.

    0 or less where the base has the answer already; infinite where fine-tuning did not bring it.
    """

    shares: NDArray[np.float64]

    @classmethod
    def of(cls, base_margins: NDArray[np.float64], tuned_margins: NDArray[np.float64]) -> "Needs":
        """From logit margins of the wanted token over the best other, of base and tuned model."""
        gains = tuned_margins - base_margins
        shares = np.full_like(gains, np.inf)
        np.divide(-base_margins, gains, out=shares, where=gains > 0)
        shares[base_margins > 0] = 0.0
        return cls(shares)

    def kept(self, share: float) -> float:
        """Of the prompts, the part that keeps its answer under so much of the change."""
        return float((self.shares < share).mean())

    def quantile(self, part: float) -> float:
        """The share that a part of the prompts needs at most."""
        return float(np.quantile(self.shares, part, method="higher"))


@dataclass(frozen=True, slots=True)
class AlphaInterval:
    """Where an average is expected to keep both, if anywhere.

    Attributes:
        low: Alpha above which the aligned model's part of the prompts keep their answers.
        high: Alpha below which the expert's do.
    """

    low: float
    high: float

    @property
    def exists(self) -> bool:
        """Whether there is such an alpha."""
        return self.low < self.high

    def __str__(self) -> str:
        if self.exists:
            return f"an alpha between {self.low:.2f} and {self.high:.2f} may keep both"
        return f"no alpha is expected to keep both (one needs more than {self.low:.2f}, the other less than {self.high:.2f})"


def alpha_interval(domain: Needs, aligned: Needs, part: float = 0.9) -> AlphaInterval:
    """The interval for a part of the prompts of each side.

    Raises:
        ValueError: If the part is not in (0, 1].
    """
    if not 0 < part <= 1:
        raise ValueError(f"`part` must be in (0, 1], got {part}.")
    return AlphaInterval(low=aligned.quantile(part), high=1.0 - domain.quantile(part))


@torch.inference_mode()
def answer_margins(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], answers: Sequence[str]
) -> NDArray[np.float64]:
    """Logit of each answer's first token less that of the best other token, after its prompt.

    Args:
        model: Any causal language model.
        tokenizer: Its own.
        prompts: As the model is to read them, chat template and all.
        answers: What is wanted after them; only their first token counts.

    Raises:
        ValueError: If there are not as many answers as prompts, or an answer has no token.
    """
    if len(prompts) != len(answers):
        raise ValueError(f"there are {len(answers)} answers for {len(prompts)} prompts; give as many.")
    margins = []
    for prompt, text in zip(prompts, answers, strict=True):
        wanted = tokenizer(text, add_special_tokens=False)["input_ids"]
        if not wanted:
            raise ValueError("an answer is empty; each prompt needs a wanted answer.")
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"].to(model.device)
        logits = model(input_ids=ids, logits_to_keep=1).logits[0, -1].double()
        own = float(logits[wanted[0]])
        logits[wanted[0]] = -torch.inf
        margins.append(own - float(logits.max()))
    return np.array(margins)
