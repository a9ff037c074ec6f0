"""Reading chunks: the keys and values that a decoder gives them, alone or after what comes before them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import decoder_of


class ChunkStates(NamedTuple):
    """Keys and values of some chunks, padded on the right, and the position of each chunk's first token."""

    keys: Float[Tensor, "layers chunks heads tokens head"]
    values: Float[Tensor, "layers chunks heads tokens head"]
    starts: Int[Tensor, " chunks"]


def read_header(model: PreTrainedModel, header: Sequence[int]) -> ChunkStates:
    """States of the header, as one chunk at position 0; it may be empty."""
    if not header:
        return _nothing(model)
    keys, values = _states(model, [list(header)])
    return ChunkStates(keys, values, torch.zeros(1, dtype=torch.long))


def read_chunks(
    model: PreTrainedModel,
    header: Sequence[int],
    chunks: Sequence[Sequence[int]],
    *,
    wanted: Sequence[int] | None = None,
    context: int = 0,
    width: int | None = None,
    batch_size: int = 8,
) -> Iterator[ChunkStates]:
    """States of chunks, a batch at a time, each read after the header and so many chunks before it.

    Args:
        model: The decoder.
        header: Tokens before everything.
        chunks: Tokens of all chunks of the document.
        wanted: Numbers of those to read; all if absent.
        context: Chunks that are read before each one.
        width: Tokens that chunks are padded to; the longest one's if absent.
        batch_size: Chunks of a forward pass.

    Source: EpMAN 1.2: how the paper reads documents beyond the window is not public.
    """
    numbers = list(range(len(chunks))) if wanted is None else list(wanted)
    width = max(map(len, chunks)) if width is None else width
    for first in range(0, len(numbers), batch_size):
        batch = numbers[first : first + batch_size]
        before = [
            [*header, *(token for chunk in chunks[max(0, number - context) : number] for token in chunk)]
            for number in batch
        ]
        rows = [[*context_ids, *chunks[number]] for context_ids, number in zip(before, batch, strict=True)]
        keys, values = _states(model, rows)
        places = [slice(len(context_ids), len(row)) for context_ids, row in zip(before, rows, strict=True)]
        yield ChunkStates(
            _cut(keys, places, width), _cut(values, places, width), torch.tensor([place.start for place in places])
        )


def read_whole(
    model: PreTrainedModel, header: Sequence[int], chunks: Sequence[Sequence[int]], *, width: int
) -> ChunkStates:
    """States of all chunks from one causal pass over the document."""
    row = [*header, *(token for chunk in chunks for token in chunk)]
    keys, values = _states(model, [row])
    ends = torch.tensor([len(chunk) for chunk in chunks]).cumsum(0) + len(header)
    places = [slice(int(end) - len(chunk), int(end)) for end, chunk in zip(ends, chunks, strict=True)]
    shape = (-1, len(chunks), -1, -1, -1)
    starts = torch.tensor([place.start for place in places])
    return ChunkStates(_cut(keys.expand(*shape), places, width), _cut(values.expand(*shape), places, width), starts)


@torch.inference_mode()
def _states(model: PreTrainedModel, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Keys and values ``[layers, rows, heads, tokens, head]``; no token sees the padding on its right."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=model.device)
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    decoder = decoder_of(model)
    decoder(input_ids=ids, use_cache=True, **cache_argument(decoder.forward, cache))
    return torch.stack([layer.keys for layer in cache.layers]), torch.stack([layer.values for layer in cache.layers])


def _cut(states: Tensor, places: Sequence[slice], width: int) -> Tensor:
    """Each row's own columns, with zeros behind them."""
    layers, _, heads, _, head = states.shape
    found = states.new_zeros(layers, len(places), heads, width, head)
    for row, place in enumerate(places):
        found[:, row, :, : place.stop - place.start] = states[:, row, :, place]
    return found


def _nothing(model: PreTrainedModel) -> ChunkStates:
    keys, values = _states(model, [[0]])
    return ChunkStates(keys[..., :0, :], values[..., :0, :], torch.zeros(1, dtype=torch.long))
