"""Conversations to token ids: prompt and response are tokenised apart, as at generation."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from gpu_commons import tokenizer_fingerprint
from safe_finetune.rows.encoded_rows import EncodedRows
from safe_finetune.rows.row import Row, check_ids, rows_fingerprint

logger = logging.getLogger(__name__)
PLAIN_TEMPLATE = "Human: {}\nAssistant: "
"""What the released SEAL code puts prompts in."""


@dataclass(frozen=True, kw_only=True)
class RowEncoder:
    """How rows become token ids.

    Attributes:
        max_length: Tokens of prompt and response together; what is longer is cut at its end.
        template: A text with ``{}`` for the user's message, such as ``PLAIN_TEMPLATE``; then a response ends with the
            end-of-sequence token. The tokenizer's own chat template if absent.
        too_long: "raise" or "drop" rows of whose response ``max_length`` leaves no token.
    """

    max_length: int = 2048
    template: str | None = None
    too_long: str = "raise"

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.max_length < 2:
            raise ValueError(f"`max_length` must be at least 2, got {self.max_length}")
        if self.template is not None and self.template.count("{}") != 1:
            raise ValueError("`template` must have one {} for the user's message")
        if self.too_long not in ("raise", "drop"):
            raise ValueError(f'`too_long` must be "raise" or "drop", got {self.too_long!r}')

    def encode(self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> EncodedRows:
        """Token ids of rows, in their order.

        Raises:
            ValueError: If there are no rows, two have one id, the tokenizer has no chat template and none was given, or
                ``max_length`` leaves nothing of a response.
        """
        if self.template is None and tokenizer.chat_template is None:
            raise ValueError("the tokenizer has no chat template; give a `template`, such as PLAIN_TEMPLATE")
        check_ids(rows)
        kept: list[Row] = []
        token_ids: list[list[int]] = []
        prompt_lengths: list[int] = []
        for row in rows:
            prompt, response = (_tokens(tokenizer, text) for text in self._texts(row, tokenizer))
            if not prompt:
                raise ValueError(
                    f"{row.place}: the prompt has no tokens, so the response's first could not be asked; fill it, or give a "
                    "`template` with words of its own."
                )
            if len(prompt) >= self.max_length or not response:
                if response and self.too_long == "drop":
                    continue
                raise ValueError(
                    f"{row.place}: 0 tokens of the response are left (prompt {len(prompt)}, response {len(response)}, "
                    f'`max_length` {self.max_length}); raise `max_length` or set `too_long="drop"`.'
                )
            kept.append(row)
            token_ids.append((prompt + response)[: self.max_length])
            prompt_lengths.append(len(prompt))
        if not kept:
            raise ValueError("there are no rows to encode" if not rows else "`max_length` leaves no row")
        return self._encoded(rows, kept, token_ids, prompt_lengths, tokenizer)

    def _encoded(
        self,
        rows: Sequence[Row],
        kept: list[Row],
        token_ids: list[list[int]],
        prompt_lengths: list[int],
        tokenizer: PreTrainedTokenizerBase,
    ) -> EncodedRows:
        ids = {row.id for row in kept}
        dropped = tuple(row.id for row in rows if row.id not in ids)
        num_cut = sum(len(tokens) == self.max_length for tokens in token_ids)
        if dropped or num_cut:
            logger.warning(
                "`max_length` %d: %d of %d rows dropped, %d fill it and may be cut",
                self.max_length, len(dropped), len(rows), num_cut,
            )  # fmt: skip
        return EncodedRows(
            ids=tuple(row.id for row in kept),
            places=tuple(row.place for row in kept),
            weights=tuple(row.weight for row in kept),
            token_ids=token_ids,
            prompt_lengths=prompt_lengths,
            dropped=dropped,
            fingerprint=rows_fingerprint(kept),
            tokenizer_fingerprint=tokenizer_fingerprint(tokenizer),
        )

    def _texts(self, row: Row, tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
        if self.template is not None:
            return _in_plain_template(row, self.template, tokenizer.eos_token or "")
        messages = [message._asdict() for message in row.messages]
        prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
        if not whole.startswith(prompt):
            raise ValueError(
                f"{row.place}: with the tokenizer's chat template the conversation does not begin with its prompt; "
                "give a `template`."
            )
        return prompt, whole[len(prompt) :]


def _in_plain_template(row: Row, template: str, end: str) -> tuple[str, str]:
    before, after = template.split("{}")
    text = ""
    system: list[str] = []
    for role, content in row.messages[:-1]:
        if role == "system":
            system.append(content)
        elif role == "assistant":
            text += f"{content}\n"
        else:
            text += before + "\n".join([*system, content]) + after
            system = []
    return text, row.messages[-1].content + end


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
