"""The decoder without any edit: what every method starts from and is compared with."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from memory_llm.facts import teacher_forcing
from memory_llm.facts.fact import Fact
from memory_llm.facts.method import TargetScore
from memory_llm.facts.teacher_forcing import pad, plain_forward, prompt_tokens


class NoEdit:
    """A method that tells the model nothing, and the answerer that this leaves.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        batch_size: Rows a forward pass.
    """

    name = "no edit"

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, batch_size: int = 16) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.batch_size = batch_size

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "NoEdit":
        return self

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        forward = plain_forward(self.model)
        return teacher_forcing.score_targets(forward, self.tokenizer, prompts, targets, batch_size=self.batch_size)

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        forward = plain_forward(self.model)
        return teacher_forcing.next_log_probs(forward, self.tokenizer, prompts, batch_size=self.batch_size)

    @torch.inference_mode()
    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        tokens = prompt_tokens(self.tokenizer, prompts)
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        answers = [""] * len(tokens)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            for row, text in zip(rows, self._continue([tokens[row] for row in rows], max_new_tokens), strict=True):
                answers[row] = text.strip()
        return answers

    def forget(self, ids: Sequence[str]) -> None:
        """Nothing was stored, so every fact is forgotten already."""

    def _continue(self, tokens: list[list[int]], max_new_tokens: int) -> list[str]:
        pad_token = self.tokenizer.pad_token_id
        fill = self.tokenizer.eos_token_id if pad_token is None else pad_token
        ids, mask = pad(tokens, side="left", fill=fill)
        device = self.model.device
        output = self.model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=fill,
        )
        return self.tokenizer.batch_decode(output[:, ids.shape[1] :], skip_special_tokens=True)
