"""Surgery on transformers caches: try K next tokens for every row of a batch, keep one, at the price of one forward
pass.

A decoder that has read a context of T columns holds T keys and values per layer and row. :class:`TreeBranches` appends
K candidate tokens as K further columns that all carry the *same* position id and see the context and themselves, but
not each other; keeping a candidate moves its column to position T and drops the rest. No copy of the context is made.
:class:`RowBranches` does the same by K copies of the cache's rows; it is the fallback for caches whose columns cannot
be cut (sliding windows, linear attention, quantised keys).

Source: tree attention as in speculative decoding (SpecInfer, Medusa), here with branches of depth one that become the
next step's context.
"""

import copy
import inspect
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer, LinearAttentionLayer

from gpu_commons.cache_name import cache_argument
from gpu_commons.grouped_attention import grouped_attention

MASK_4D_BACKENDS = ("sdpa", "eager")


def decoder_of(model: PreTrainedModel) -> PreTrainedModel:
    """The stack of decoder layers under a causal language model: token ids in, final-norm hidden states out.

    Raises:
        ValueError: If the model has an encoder, since its state is not one column per token.
    """
    if model.config.is_encoder_decoder:
        raise ValueError(
            f"`model` is an encoder-decoder ({model.config.model_type}); only decoder-only causal language models can be steered."
        )
    return model.get_decoder()


def why_not_branchable(model: PreTrainedModel, cache: Cache | None = None) -> str | None:
    """Say why candidates cannot share one cache as extra columns, or None if they can.

    Args:
        model: A causal language model.
        cache: The cache in use; a fresh one of the model's own kind is judged if absent.
    """
    cache = DynamicCache(config=model.config) if cache is None else cache
    foreign = sorted({type(layer).__name__ for layer in cache.layers if type(layer) is not DynamicLayer})
    if foreign:
        return f"its cache has layers of type {', '.join(foreign)}, whose columns cannot be cut"
    if cache.offloading:
        return "its cache is offloaded to the host"
    backend = model.config._attn_implementation
    if backend not in MASK_4D_BACKENDS:
        return f"its attention backend {backend!r} takes no 4-D mask (load it with attn_implementation='sdpa')"
    if "position_ids" not in inspect.signature(decoder_of(model).forward).parameters or getattr(
        model.config, "alibi", False
    ):
        return f"{model.config.model_type} derives positions from cache columns instead of position ids"
    return None


def tree_mask(
    context: Bool[Tensor, "batch columns"], num_branches: int, dtype: torch.dtype
) -> Float[Tensor, "batch 1 branches all_columns"]:
    """The mask under which each of K appended tokens sees its row's context and itself: 0 there, lowest elsewhere.

    Additive, because eager attention adds whatever mask it gets to the scores (a boolean one would be silently wrong),
    and because SDPA would convert a boolean one anew in every layer.
    """
    batch = context.shape[0]
    shared = context[:, None, :].expand(batch, num_branches, -1)
    itself = torch.eye(num_branches, dtype=torch.bool, device=context.device).expand(batch, -1, -1)
    return _additive(~torch.cat([shared, itself], dim=-1)[:, None], dtype)


def _additive(hidden: Bool[Tensor, "batch 1 queries columns"], dtype: torch.dtype) -> Tensor:
    return torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill_(hidden, torch.finfo(dtype).min)


class CacheShape(NamedTuple):
    """What one token costs in a decoder's cache: layers, key-value heads, and the width of a head."""

    layers: int
    heads: int
    head_dim: int


def cache_shape(model: PreTrainedModel) -> CacheShape:
    """Shape of a full-attention decoder's keys and values.

    Raises:
        ValueError: If some layers keep anything else than all columns (sliding windows, recurrent states), so that
            columns put before the context would be lost.
    """
    config = model.config.get_text_config(decoder=True)
    foreign = sorted({type(layer).__name__ for layer in DynamicCache(config=config).layers} - {DynamicLayer.__name__})
    positions = "position_ids" in inspect.signature(decoder_of(model).forward).parameters
    if foreign or not positions or getattr(config, "alibi", False):
        what = f"cache layers of type {', '.join(foreign)}" if foreign else "no position ids"
        raise ValueError(
            f"`model` ({config.model_type}) has {what}, so nothing can be put before its context; use a full-attention "
            "decoder such as gpt2, gptj, llama, mistral without a window, qwen2, phi or gemma without a window."
        )
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return CacheShape(config.num_hidden_layers, heads, head_dim)


def insert_prefix(
    cache: Cache,
    keys: Float[Tensor, "layers batch heads prefix head"],
    values: Float[Tensor, "layers batch heads prefix head"],
) -> None:
    """Put columns before everything that a cache of full attention holds or is going to hold.

    Rotary decoders get the keys as they are, that is, as at position 0. The attention mask of all later calls has to
    count these columns.
    """
    for layer, (key, value) in enumerate(zip(keys, values, strict=True)):
        if not cache.get_seq_length(layer):
            cache.update(key, value, layer)
            continue
        held = cache.layers[layer]
        held.keys, held.values = torch.cat([key, held.keys], dim=-2), torch.cat([value, held.values], dim=-2)


class Branches(ABC):
    """A batch of left-padded contexts in one cache, whose next token is tried K times before one is kept.

    Use :func:`open_branches` to get the right kind. The cycle is ``prefill`` once, then ``branch`` followed by
    ``keep`` (or ``discard``).

    Attributes:
        cache: The transformers cache; between cycles it holds exactly the kept columns.
        columns: Which cache columns are tokens rather than padding, shape ``[batch, T]``.
    """

    def __init__(
        self, model: PreTrainedModel, cache: Cache | None = None, columns: Bool[Tensor, "batch columns"] | None = None
    ):
        self.decoder = decoder_of(model)
        self.takes_positions = "position_ids" in inspect.signature(self.decoder.forward).parameters
        self.cache = DynamicCache(config=model.config) if cache is None else cache
        self.columns = columns
        self._num_branches = 0

    @property
    def positions(self) -> Int[Tensor, " batch"]:
        """Position id of each row's next token (0-based, padding not counted)."""
        return self._columns().sum(-1)

    def prefill(
        self, input_ids: Int[Tensor, "batch new"], attention_mask: Int[Tensor, "batch new"] | None = None
    ) -> Float[Tensor, "batch hidden"]:
        """Read further context and return the hidden state of its last token.

        Args:
            input_ids: Token ids, padded on the left.
            attention_mask: 1 for tokens, 0 for padding; all tokens if absent.

        Raises:
            ValueError: If a row ends in padding.
        """
        new = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        if not new[:, -1].all():
            row = int((~new[:, -1]).nonzero()[0])
            raise ValueError(
                f"`attention_mask` ends in padding at row {row}; pad prompts on the left (tokenizer.padding_side = 'left')."
            )
        before = new.new_zeros(new.shape[0], 0) if self.columns is None else self.columns
        self.columns = torch.cat([before, new], dim=-1)
        positions = (self.columns.cumsum(-1) - 1).clamp(min=0)[:, before.shape[1] :]
        return self._read(input_ids, positions)[:, -1]

    @abstractmethod
    def branch(self, tokens: Int[Tensor, "batch branches"]) -> Float[Tensor, "batch branches hidden"]:
        """Final hidden state of each row's context followed by each of its K candidate tokens."""

    @abstractmethod
    def keep(self, choice: Int[Tensor, " batch"]) -> None:
        """Make candidate ``choice[b]`` (0-based) of row b part of its context and forget the others."""

    @abstractmethod
    def discard(self) -> None:
        """Forget all candidates of the last ``branch``."""

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Keep these rows (0-based, repeats allowed) of the batch, in this order."""
        self.cache.reorder_cache(rows)
        self.columns = self._columns()[rows]

    def _read(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Final hidden states of the newest columns."""
        return self._forward(self.cache, tokens, self._padding_mask(self._columns()), positions)

    def _columns(self) -> Bool[Tensor, "batch columns"]:
        if self.columns is None:
            raise RuntimeError("`prefill` has to run before the branches have a context.")
        return self.columns

    def _padding_mask(self, columns: Bool[Tensor, "batch columns"]) -> Tensor | None:
        """No mask at all where nothing is padded: attention kernels are fastest without one."""
        return None if bool(columns.all()) else columns.long()

    def _append_kept_column(self) -> None:
        columns = self._columns()
        self.columns = torch.cat([columns, columns.new_ones(columns.shape[0], 1)], dim=-1)
        self._num_branches = 0

    def _forward(self, cache: Cache, tokens: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        if mask is not None and all(cache.is_linear):
            mask = mask[
                :, -tokens.shape[1] :
            ]  # recurrent layers mask what they read now; there are no columns behind it
        arguments: dict[str, Any] = {
            "input_ids": tokens,
            "attention_mask": mask,
            "use_cache": True,
            **cache_argument(self.decoder.forward, cache),
        }
        if self.takes_positions:
            arguments["position_ids"] = positions
        return self.decoder(**arguments).last_hidden_state


class TreeBranches(Branches):
    """Candidates as K columns of one sequence under a tree mask: memory T + K, one forward of K query tokens."""

    def branch(self, tokens: Int[Tensor, "batch branches"]) -> Float[Tensor, "batch branches hidden"]:
        columns, num_branches = self._columns(), tokens.shape[1]
        positions = self.positions[:, None].expand(-1, num_branches)
        self._num_branches = num_branches
        if num_branches == 1:
            mask = self._padding_mask(torch.cat([columns, columns.new_ones(columns.shape[0], 1)], dim=-1))
            return self._forward(self.cache, tokens, mask, positions)
        with grouped_attention(self.decoder):
            mask = tree_mask(columns, num_branches, self.decoder.dtype)
            return self._forward(self.cache, tokens, mask, positions)

    def keep(self, choice: Int[Tensor, " batch"]) -> None:
        length = self._columns().shape[1]
        if self._num_branches > 1:
            rows, chosen = torch.arange(len(choice), device=choice.device), length + choice
            for layer in self.cache.layers:
                # Written in place, so that the context is not copied; the slice is a view.
                layer.keys[:, :, length] = layer.keys[rows, :, chosen]
                layer.values[:, :, length] = layer.values[rows, :, chosen]
                layer.keys, layer.values = layer.keys[:, :, : length + 1], layer.values[:, :, : length + 1]
        self._append_kept_column()

    def discard(self) -> None:
        self.cache.crop(-self._num_branches)
        self._num_branches = 0

    def glance(
        self, tokens: Int[Tensor, "batch nodes"], parents: Int[Tensor, "batch nodes"]
    ) -> Float[Tensor, "batch nodes hidden"]:
        """Final hidden states of whole trees of tokens after each row's context, which is left as it was.

        Args:
            tokens: Of the nodes.
            parents: Node (0-based) that each one follows, -1 for the context itself; a parent stands before its
                children. Rows with fewer nodes are filled up with any token and -1.
        """
        columns, num_nodes = self._columns(), tokens.shape[1]
        seen = torch.eye(num_nodes, dtype=torch.bool, device=tokens.device).repeat(len(tokens), 1, 1)
        rows = torch.arange(len(tokens), device=tokens.device)
        for node in range(num_nodes):
            parent = parents[:, node]
            seen[:, node] |= seen[rows, parent.clamp(min=0)] & (parent >= 0)[:, None]
        context = columns[:, None, :].expand(-1, num_nodes, -1)
        mask = _additive(~torch.cat([context, seen], dim=-1)[:, None], self.decoder.dtype)
        positions = self.positions[:, None] + seen.sum(-1) - 1
        with grouped_attention(self.decoder):
            states = self._forward(self.cache, tokens, mask, positions)
        self.cache.crop(-num_nodes)
        return states

    def _read(self, tokens: Tensor, positions: Tensor) -> Tensor:
        columns, num_new = self._columns(), tokens.shape[1]
        if columns.shape[1] == num_new:  # without a context before, kernels know the causal mask themselves
            return super()._read(tokens, positions)
        ahead = torch.ones(num_new, columns.shape[1], dtype=torch.bool, device=columns.device)
        ahead = ahead.triu(columns.shape[1] - num_new + 1)
        mask = _additive(ahead | ~columns[:, None, None, :], self.decoder.dtype)
        with grouped_attention(self.decoder):
            return self._forward(self.cache, tokens, mask, positions)

    def join(self, other: "TreeBranches") -> None:
        """Append the rows of another batch (consumed by this), padding the shorter contexts on the left."""
        mine, theirs = self._columns(), other._columns()
        width = max(mine.shape[1], theirs.shape[1])
        for layer, other_layer in zip(self.cache.layers, other.cache.layers, strict=True):
            layer.keys = torch.cat([_pad_left(layer.keys, width), _pad_left(other_layer.keys, width)])
            layer.values = torch.cat([_pad_left(layer.values, width), _pad_left(other_layer.values, width)])
        padded = [torch.nn.functional.pad(columns, (width - columns.shape[1], 0)) for columns in (mine, theirs)]
        self.columns = torch.cat(padded)

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        super().select(rows)
        # Columns that are padding in every remaining row are dead weight in each later step.
        dead = int((~self._columns().any(0)).long().cumprod(0).sum())
        if dead:
            self.columns = self._columns()[:, dead:]
            for layer in self.cache.layers:
                layer.keys, layer.values = layer.keys[:, :, dead:], layer.values[:, :, dead:]


class RowBranches(Branches):
    """Candidates as K rows over K copies of the cache: works with any cache that can be reordered, memory K times T."""

    def __init__(
        self, model: PreTrainedModel, cache: Cache | None = None, columns: Bool[Tensor, "batch columns"] | None = None
    ):
        super().__init__(model, cache, columns)
        self._trial: Cache | None = None

    def branch(self, tokens: Int[Tensor, "batch branches"]) -> Float[Tensor, "batch branches hidden"]:
        columns, (batch, num_branches) = self._columns(), tokens.shape
        rows = torch.arange(batch, device=tokens.device).repeat_interleave(num_branches)
        self._trial, self._num_branches = _reorderable_copy(self.cache), num_branches
        self._trial.reorder_cache(rows)
        mask = self._padding_mask(torch.cat([columns, columns.new_ones(batch, 1)], dim=-1)[rows])
        hidden = self._forward(self._trial, tokens.reshape(-1, 1), mask, self.positions[rows, None])
        return hidden.reshape(batch, num_branches, -1)

    def keep(self, choice: Int[Tensor, " batch"]) -> None:
        if self._trial is None:
            raise RuntimeError("`branch` has to run before a candidate can be kept.")
        rows = torch.arange(len(choice), device=choice.device) * self._num_branches + choice
        self._trial.reorder_cache(rows)
        self.cache.layers, self._trial = self._trial.layers, None
        self._append_kept_column()

    def discard(self) -> None:
        self._trial, self._num_branches = None, 0


def open_branches(
    model: PreTrainedModel,
    *,
    plan: str = "auto",
    cache: Cache | None = None,
    columns: Bool[Tensor, "batch columns"] | None = None,
) -> Branches:
    """Branches over a new cache, or over one that already holds the context ``columns``.

    Args:
        model: A causal language model (decoder only).
        plan: "tree", "batch" (copied rows) or "auto": the tree where the model and its cache allow it.
        cache: A cache to work in; a fresh one of the model's own kind if absent.
        columns: For a cache that holds tokens already: True where a column is a token, False where it is padding.

    Raises:
        ValueError: If ``plan="tree"`` is asked for where it would be wrong; the message says why.
    """
    if plan not in ("auto", "tree", "batch"):
        raise ValueError(f"`plan` must be 'auto', 'tree' or 'batch', got {plan!r}.")
    reason = why_not_branchable(model, cache) if plan != "batch" else "copied rows were asked for"
    if plan == "tree" and reason:
        raise ValueError(f"`plan='tree'` cannot serve this model: {reason}; use plan='batch'.")
    return (RowBranches if reason else TreeBranches)(model, cache, columns)


def _pad_left(states: Float[Tensor, "batch heads columns head"], width: int) -> Float[Tensor, "batch heads width head"]:
    return torch.nn.functional.pad(states, (0, 0, width - states.shape[2], 0))


def _reorderable_copy(cache: Cache) -> Cache:
    """A cache whose rows can be reordered while the original stays; tensors are shared where reordering replaces
    them.
    """
    clone = copy.copy(cache)
    clone.layers = [_copied_layer(layer) for layer in cache.layers]
    return clone


def _copied_layer(layer: Any) -> Any:
    if type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer, LinearAttentionLayer):
        return copy.deepcopy(layer)  # static and quantised layers write in place
    clone = copy.copy(layer)
    for name, value in vars(layer).items():
        if isinstance(value, dict):  # per-state tensors of linear attention, replaced entry by entry
            setattr(clone, name, dict(value))
    return clone
