"""The text that single tokens add to a text."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

CONTEXT_TOKENS = 8
REPLACEMENT = "\ufffd"


def added_texts(tokenizer: PreTrainedTokenizerBase, context: Sequence[int], tokens: Sequence[int]) -> list[str]:
    """What each token, alone, would add after the context; special tokens show as their names.

    Decoded by itself, a token loses the space before it with SentencePiece tokenizers, so that it is decoded behind the
    end of its context. A token that ends inside a character shows as U+FFFD; the one that completes it shows all of it.
    """
    # The first word of the decoded tail may lack its space, but then it does so with and without the new token.
    tail = list(context)[-CONTEXT_TOKENS:]
    before = _decode(tokenizer, tail)
    return [_added(before, _decode(tokenizer, [*tail, token])) for token in tokens]


def _added(before: str, after: str) -> str:
    if after.startswith(before):
        return after.removeprefix(before) or (REPLACEMENT if before.endswith(REPLACEMENT) else "")
    return after.removeprefix(before.rstrip(REPLACEMENT))


def _decode(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    return tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
