"""Keys moved to other positions after they were computed, so that chunks read by themselves can lie side by side."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import decoder_of

_LENGTH_INDEPENDENT = ("default", "linear", "llama3", "yarn", "proportional")
_MOVED_BY = 7


class KeyShift:
    """Rotates the keys of a rotary decoder by a difference of positions.

    A rotary key at position p is ``R(p) k``, and rotations add up: ``R(p + d) k = R(d) R(p) k``. So keys are kept as
    the model computed them, and only the difference is ever applied. Layers that rotate nothing are left alone.

    Args:
        model: A causal language model with one set of rotary frequencies.

    Raises:
        ValueError: If the keys of the model are not moved by this: positions that are learned, or rotations whose
            frequencies depend on the length of the text.

    Source: EpMAN 1.2, rotation on read. Differs: keys stay rotated in store; which layers of a model rotate, and in
    which of the two layouts of pairs, is found out by trying.
    """

    def __init__(self, model: PreTrainedModel):
        kind = model.config.get_text_config(decoder=True).model_type
        frequencies = _frequencies(model)
        if frequencies is None:
            raise ValueError(
                f"`model` ({kind}) has no rotary positions, so its chunks cannot be moved; use rope='stored'."
            )
        self._frequencies = frequencies
        before, after = _keys_here_and_there(model)
        by = torch.full((before.shape[-2],), _MOVED_BY)
        halves, pairs = (self._turned(before, by, interleaved) for interleaved in (False, True))
        errors = torch.stack([_relative_error(tried, after) for tried in (before, halves, pairs)])
        best, kind_of = errors.min(0)
        clear = best < (1e-3 if model.dtype == torch.float32 else 3e-2)
        kinds = set(kind_of.tolist()) - {0}
        if not bool(clear.all()) or len(kinds) != 1:
            raise ValueError(
                f"`model` ({kind}) gives its keys positions in a way that is not known here; use rope='stored'."
            )
        self._interleaved = kinds == {2}
        self._rotates = kind_of > 0

    def __call__(
        self, keys: Float[Tensor, "layers *batch heads tokens head"], by: Int[Tensor, " tokens"]
    ) -> Float[Tensor, "layers *batch heads tokens head"]:
        """Keys of tokens that lie so many positions further on, a number for each token."""
        rotates = self._rotates.to(keys.device)
        if bool(rotates.all()):
            return self._turned(keys, by, self._interleaved)
        moved = keys.clone()
        moved[rotates] = self._turned(keys[rotates], by, self._interleaved)
        return moved

    def _turned(
        self, keys: Float[Tensor, "*batch tokens head"], by: Int[Tensor, " tokens"], interleaved: bool
    ) -> Float[Tensor, "*batch tokens head"]:
        angles = by.to(keys.device, torch.float32)[:, None] * self._frequencies.to(keys.device)
        cos, sin, width = angles.cos(), angles.sin(), 2 * angles.shape[-1]
        rotated = keys[..., :width].float()
        first, second = (rotated[..., ::2], rotated[..., 1::2]) if interleaved else rotated.chunk(2, dim=-1)
        pairs = (first * cos - second * sin, second * cos + first * sin)
        turned = torch.stack(pairs, dim=-1).flatten(-2) if interleaved else torch.cat(pairs, dim=-1)
        return torch.cat([turned.to(keys.dtype), keys[..., width:]], dim=-1)


def _frequencies(model: PreTrainedModel) -> Float[Tensor, " pairs"] | None:
    """Angle of each rotated pair from one position to the next."""
    config = model.config.get_text_config(decoder=True)
    for module in decoder_of(model).modules():
        for name, buffer in module.named_buffers(recurse=False):
            if name not in ("inv_freq", "full_attention_inv_freq"):
                continue
            rope_type = getattr(module, "rope_type", "default")
            kind = rope_type["full_attention"] if isinstance(rope_type, dict) else rope_type
            if kind not in _LENGTH_INDEPENDENT:
                raise ValueError(
                    f"`model` ({config.model_type}) has rotary positions of type {kind!r}, which depend on the length of "
                    "the text; use rope='stored'."
                )
            return buffer.float()
    width = getattr(config, "rotary_dim", None)  # GPT-J keeps a table of sines in place of frequencies
    return None if width is None else 10_000.0 ** (-torch.arange(0, width, 2).float() / width)


@torch.no_grad()
def _keys_here_and_there(model: PreTrainedModel) -> Float[Tensor, "two layers heads tokens head"]:
    """Keys of some tokens at position 1 and, moved, further on.

    Each is a sequence of its own: it sees itself alone, so what reaches a layer is the same to the bit wherever it
    stands, and rounding cannot hide the rotation in deep layers.
    """
    ids = torch.arange(3, 9, device=model.device)
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    decoder = decoder_of(model)
    decoder(
        input_ids=ids.repeat(2)[:, None],
        position_ids=torch.tensor([1, 1 + _MOVED_BY], device=model.device).repeat_interleave(len(ids))[:, None],
        use_cache=True,
        **cache_argument(decoder.forward, cache),
    )
    keys = torch.stack([layer.keys for layer in cache.layers]).float()  # layers, two x tokens, heads, 1, head
    return keys.squeeze(-2).unflatten(1, (2, len(ids))).permute(1, 0, 3, 2, 4)


def _relative_error(one: Tensor, other: Tensor) -> Float[Tensor, " layers"]:
    return (one - other).flatten(1).norm(dim=-1) / other.flatten(1).norm(dim=-1)
