"""Steering by the model's own idea of the undesired attribute: a second reading behind a sentence that announces it."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.config import check_strength
from controlled_decoding.methods.logits_method import LogitsMethod
from controlled_decoding.methods.second_pass import SecondPass

DEFAULT_DESCRIPTION = "rude, disrespectful or hateful language"


class SelfDebias(LogitsMethod):
    """Lower the probability of tokens that become likelier once the text is announced as undesired.

    With ``p`` the model's next-token distribution and ``p_announced`` the one behind the announcement, per token
    ``Delta = p - p_announced`` and ``p_new ~ p * alpha(Delta)``, where ``alpha = exp(decay_constant * Delta)`` for
    ``Delta < 0`` and 1 else. Source: Schick, Udupa and Schuetze, "Self-Diagnosis and Self-Debiasing" (TACL 2021, arXiv
    2103.00453); their constants are 10, 50 and 100. Differs: one attribute at a time; the announcement is worded anew;
    alpha is not held above 0.01 as in the released code. Needs no data and no other model; costs a second forward pass
    a token and memory for a second cache.

    Args:
        decay_constant: Lambda >= 0.
        description: Of undesired text, as it follows "The text below contains".
        announcement: The whole sentence before the prompt instead of that one.
        name: Of the method in tables.
    """

    def __init__(
        self,
        decay_constant: float = 50.0,
        *,
        description: str = DEFAULT_DESCRIPTION,
        announcement: str | None = None,
        name: str | None = None,
    ):
        self.strength = check_strength(decay_constant)
        self.announcement = f"The text below contains {description}:\n" if announcement is None else announcement
        self.name = name or f"self-debias({decay_constant:g})"

    def processor(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: Mapping[str, Tensor]
    ) -> "SelfDebiasProcessor":
        """The processor for one ``generate`` call.

        Raises:
            ValueError: If the announcement is empty.
        """
        words = tokenizer(self.announcement, add_special_tokens=False)["input_ids"]
        if not words:
            raise ValueError("`announcement` is empty; say what the undesired text contains.")
        input_ids, attention_mask = announced(
            inputs["input_ids"], inputs["attention_mask"], words, tokenizer.bos_token_id
        )
        reader = SecondPass(model, input_ids, attention_mask, prompt_columns=inputs["input_ids"].shape[1])
        return SelfDebiasProcessor(reader, self.strength)


class SelfDebiasProcessor(LogitsProcessor):
    """Add ``decay_constant * min(Delta, 0)``, the log of alpha, to the scores.

    Args:
        reader: Reads the texts behind the announcement.
        decay_constant: Lambda.
    """

    def __init__(self, reader: SecondPass, decay_constant: float):
        self.reader, self.decay_constant = reader, decay_constant

    def __call__(
        self, input_ids: Int[Tensor, "rows total"], scores: Float[Tensor, "rows vocab"]
    ) -> Float[Tensor, "rows vocab"]:
        difference = scores.softmax(-1) - self.reader.logits(input_ids).softmax(-1)
        return scores + self.decay_constant * difference.clamp(max=0.0)


def announced(
    input_ids: Int[Tensor, "batch prompt"],
    attention_mask: Int[Tensor, "batch prompt"],
    words: Sequence[int],
    bos_token_id: int | None,
) -> tuple[Int[Tensor, "batch opening"], Int[Tensor, "batch opening"]]:
    """The prompts with ``words`` before each, after its begin token if it has one; padded on the left."""
    opening = torch.tensor(words, dtype=input_ids.dtype, device=input_ids.device)
    rows = []
    for tokens, mask in zip(input_ids, attention_mask.bool(), strict=True):
        padding, prompt = tokens[~mask], tokens[mask]
        begin = int(len(prompt) > 0 and bos_token_id is not None and int(prompt[0]) == bos_token_id)
        rows.append(torch.cat([padding, prompt[:begin], opening, prompt[begin:]]))
    grown = torch.nn.functional.pad(attention_mask, (0, len(words)), value=1)
    return torch.stack(rows), grown
