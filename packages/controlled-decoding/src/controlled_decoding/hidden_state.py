"""Where a text's embedding is read: the hidden state of its last token, at a recorded layer and norm position.

The first released SASA code reads the state after the final norm, its successor the raw output of the last block; a
direction fitted at one place means nothing at another (norms differ by an order of magnitude), so the place is part of
every artifact.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons import decoder_of


@dataclass(frozen=True)
class HiddenSite:
    """A place in the decoder where hidden states are read.

    Attributes:
        layer: How many decoder blocks have run, 1 to the model's depth.
        normed: Whether the final norm has been applied; only possible after the last block.
    """

    layer: int
    normed: bool

    @classmethod
    def of(cls, model: PreTrainedModel, layer: int = -1, *, normed: bool | None = None) -> "HiddenSite":
        """Resolve a layer, counted from the end if negative (-1 = last block), for a model.

        Args:
            normed: After the final norm; by default yes at the last block and no before it.

        Raises:
            ValueError: If the model has no such layer, or the final norm is asked for before the last block.
        """
        depth = depth_of(model)
        resolved = layer + depth + 1 if layer < 0 else layer
        if not 1 <= resolved <= depth:
            raise ValueError(
                f"`layer` must be in [1, {depth}] or [-{depth}, -1] for this {model.config.model_type} model, got {layer}."
            )
        if normed and resolved < depth:
            raise ValueError(
                f"`normed` is only possible at the last layer ({depth}), got layer {resolved}; leave it out."
            )
        return cls(resolved, resolved == depth if normed is None else normed)

    @contextmanager
    def listen(self, model: PreTrainedModel) -> Iterator["Tap"]:
        """While the context is open, every forward pass leaves its states at this site in ``tap.hidden``."""
        decoder, tap = decoder_of(model), Tap()
        module = decoder if self.normed else decoder_blocks(model)[self.layer - 1]
        handle = module.register_forward_hook(tap)
        try:
            yield tap
        finally:
            handle.remove()


class Tap:
    """A forward hook that remembers the last states that passed, shape ``[batch, tokens, hidden]``."""

    def __init__(self) -> None:
        self.hidden = torch.empty(0)

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> None:
        states = getattr(output, "last_hidden_state", output)
        self.hidden = states[0] if isinstance(states, tuple) else states


def depth_of(model: PreTrainedModel) -> int:
    """Number of decoder blocks."""
    return int(model.config.get_text_config().num_hidden_layers)


def decoder_blocks(model: PreTrainedModel) -> nn.ModuleList:
    """The decoder's list of blocks, found by its length."""
    depth = depth_of(model)
    for module in decoder_of(model).modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise ValueError(
        f"no list of {depth} blocks found in this {model.config.model_type} model; fit at the last layer after the norm instead."
    )


def render(
    tokenizer: PreTrainedTokenizerBase, text: str, prompt: str | None = None, *, chat: bool = False
) -> list[int]:
    """Token ids of a text as the model will see it when it generates.

    Args:
        text: The text, or the response to ``prompt``.
        prompt: What precedes it.
        chat: Render through the tokenizer's chat template, the text being an unfinished assistant turn, instead of raw
            concatenation.
    """
    if not chat:
        return tokenizer((prompt or "") + text)["input_ids"]
    turns = [{"role": "user", "content": prompt or ""}] if prompt is not None else []
    turns.append({"role": "assistant", "content": text})
    return tokenizer.apply_chat_template(turns, continue_final_message=True, return_dict=False)


def embed(
    model: PreTrainedModel,
    token_lists: Sequence[Sequence[int]],
    sites: Sequence[HiddenSite],
    *,
    positions: Sequence[Sequence[int]] | None = None,
    batch_tokens: int = 4096,
    max_length: int = 1024,
) -> Iterator[tuple[list[int], list[Float[Tensor, "states hidden"]]]]:
    """Hidden states of many texts, in batches of similar length.

    Args:
        token_lists: Token ids, one list a text; all but the first ``max_length`` tokens are ignored.
        sites: Where to read; all are read in the same forward pass.
        positions: Tokens of each text to read the state of (0-based); the last one by default.
        batch_tokens: Padded tokens in a forward pass at most.

    Yields:
        Of each state of a batch the index of its text, and the states at each site. States of a text stand together,
        in the order of its positions.

    Raises:
        ValueError: If a text has no tokens.
    """
    lengths = [min(len(tokens), max_length) for tokens in token_lists]
    if 0 in lengths:
        raise ValueError(f"the text in row {lengths.index(0)} is empty; drop that row.")
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    positions = [[length - 1] for length in lengths] if positions is None else positions
    decoder, done = decoder_of(model), 0
    with tqdm(total=len(order), desc="embedding", unit="text", disable=len(order) < 64) as progress:
        while done < len(order):
            longest = lengths[order[done]]
            rows = order[done : done + max(1, batch_tokens // longest)]
            tokens, mask = _pad_left([list(token_lists[row][: lengths[row]]) for row in rows], longest)
            wanted = [
                (place, longest - lengths[row] + position)
                for place, row in enumerate(rows)
                for position in positions[row]
            ]
            states = _read(model, decoder, tokens.to(decoder.device), mask.to(decoder.device), sites, wanted)
            yield [rows[place] for place, _ in wanted], states
            done += len(rows)
            progress.update(len(rows))


def _pad_left(token_lists: list[list[int]], width: int) -> tuple[Tensor, Tensor]:
    tokens = torch.zeros(len(token_lists), width, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, content in enumerate(token_lists):
        tokens[row, width - len(content) :] = torch.tensor(content)
        mask[row, width - len(content) :] = 1
    return tokens, mask


@torch.no_grad()
def _read(
    model: PreTrainedModel,
    decoder: PreTrainedModel,
    tokens: Tensor,
    mask: Tensor,
    sites: Sequence[HiddenSite],
    wanted: Sequence[tuple[int, int]],
) -> list[Tensor]:
    """States at (row, column) of the batch, at each site."""
    rows, columns = torch.tensor(wanted, device=tokens.device).T
    with ExitStack() as stack:
        taps = [stack.enter_context(site.listen(model)) for site in sites]
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        decoder(input_ids=tokens, attention_mask=mask, position_ids=positions, use_cache=False)
        return [tap.hidden[rows, columns].float() for tap in taps]
