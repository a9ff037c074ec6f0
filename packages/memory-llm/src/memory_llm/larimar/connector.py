"""From a memory's readout to keys and values that the decoder finds before its context."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel

from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import MASK_4D_BACKENDS, CacheShape, cache_shape
from memory_llm.larimar.config import LarimarConfig

RELEASED = 1 << 30
"""For ``due`` of tokens after which the memory has nothing left to say."""

Prefix = tuple[Float[Tensor, "layers batch heads prefix head"], Float[Tensor, "layers batch heads prefix head"]]


def build_connector(config: LarimarConfig, decoder: PreTrainedModel) -> "LinearConnector | TokenConnector":
    """The connector that a config names, for a decoder; errors as of :func:`prefix_shape`."""
    shape = prefix_shape(decoder)
    if config.connector == "linear":
        return LinearConnector(config, shape)
    return TokenConnector(config, shape)


def prefix_shape(decoder: PreTrainedModel) -> CacheShape:
    """Shape of the keys and values of a prefix before a decoder's context.

    Raises:
        ValueError: If the decoder's cache takes no prefix, or its attention takes no mask that says who sees it.
    """
    shape = cache_shape(decoder)
    if (backend := decoder.config._attn_implementation) not in MASK_4D_BACKENDS:
        raise ValueError(
            f"the decoder's attention backend {backend!r} takes no 4-D mask, by which tokens see a prefix or not; "
            "load it with attn_implementation='sdpa'."
        )
    return shape


class LinearConnector(nn.Module):
    """The paper's map: each layer gets its own slice of ``W_M z`` as key and value of one position.

    All tokens see it, and real positions start behind it.

    Source: Larimar 1.9 (released code). Differs: key and value may have maps of their own (``tie_kv=False``).
    """

    first_position = 1

    def __init__(self, config: LarimarConfig, shape: CacheShape):
        super().__init__()
        self.shape, self.parts = shape, 1 if config.tie_kv else 2
        per_layer = shape.heads * shape.head_dim
        self.to_cache = nn.Linear(config.latent_size, self.parts * shape.layers * per_layer, bias=False)
        self.to_embedding = (
            nn.Linear(config.latent_size, config.decoder.hidden_size, bias=False) if config.inject_embedding else None
        )

    def forward(self, latent: Float[Tensor, "batch value"], query: Float[Tensor, "batch latent"] | None) -> Prefix:
        """Keys and values of one position; the query is not looked at."""
        flat = self.to_cache(latent).view(len(latent), self.parts, self.shape.layers, self.shape.heads, 1, -1)
        keys, values = flat[:, 0], flat[:, -1]
        return keys.transpose(0, 1), values.transpose(0, 1)

    def shift(self, latent: Float[Tensor, "batch value"]) -> Float[Tensor, "batch hidden"] | None:
        """What is added to every input embedding."""
        return None if self.to_embedding is None else self.to_embedding(latent)

    def visible(self, due: Int[Tensor, "batch new"]) -> Bool[Tensor, "batch new 1"]:
        """Until the memory is released, every token sees the prefix."""
        return (due < RELEASED).unsqueeze(-1)

    def openness(self, latent: Float[Tensor, "batch value"], query: Float[Tensor, "batch latent"] | None) -> None:
        """The paper leaves it to a scope detector."""


class TokenConnector(nn.Module):
    """A few positions for each token of the target, seen only by the token after which it is due.

    What is seen at a step is computed from the embedding of the token that is due, the encodings of the fact's prompt
    and of the question, their product and their distance. All of it shares maps, and a basis of ``connector_rank``
    directions of the cache. The decoder therefore never has to find out which token comes next, context is read as
    without memory, and the tokens of a name it has never seen are said one after another.

    A gate computed from fact and question opens and shuts all of it: the logarithm of a probability is added to the
    attention scores, and shut, it leaves the base model.

    Source: none; the paper's latent is one vector for the whole fact and its decoder is trained. With a frozen decoder
    that vector learns slowly.
    """

    first_position = 0
    spread: Tensor
    token_mean: Tensor
    token_scale: Tensor

    def __init__(self, config: LarimarConfig, shape: CacheShape):
        super().__init__()
        self.shape, self.latent_size = shape, config.latent_size
        self.target_tokens, self.per_token = config.target_tokens, config.positions_per_token
        self.query_aware = config.query_aware
        width, hidden = config.connector_width, config.decoder.hidden_size
        per_position = 2 * shape.layers * shape.heads * shape.head_dim
        self.from_token = nn.Linear(hidden, width)
        features = config.latent_size * (4 if config.query_aware else 1)
        self.from_fact = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))
        self.gate = nn.Sequential(nn.GELU(), nn.Linear(width, 1))
        self.positions = nn.Parameter(torch.zeros(self.per_token, width))
        # The norm gives each position a push of the size of real keys from the first step on.
        self.to_rank = nn.Sequential(
            nn.GELU(), nn.Linear(width, config.connector_rank), nn.LayerNorm(config.connector_rank)
        )
        self.basis = nn.Linear(config.connector_rank, per_position, bias=False)
        self.base = nn.Parameter(torch.zeros(self.per_token, per_position))
        self.register_buffer("spread", torch.ones(per_position))
        self.register_buffer("token_mean", torch.zeros(hidden))
        self.register_buffer("token_scale", torch.ones(hidden))

    def forward(self, latent: Float[Tensor, "batch value"], query: Float[Tensor, "batch latent"] | None) -> Prefix:
        """Keys and values of all positions, those of the first token first."""
        tokens = latent[:, self.latent_size :].view(len(latent), self.target_tokens, 1, -1)
        hidden = self.from_token((tokens - self.token_mean) * self.token_scale) + self.positions
        hidden = hidden + self._from_fact(latent, query)[:, None, None]
        flat = self.basis(self.to_rank(hidden)) * self.spread + self.base
        layers, heads, width = self.shape
        split = flat.view(len(latent), -1, 2, layers, heads, width).permute(2, 3, 0, 4, 1, 5)
        return split[0], split[1]

    def shift(self, latent: Float[Tensor, "batch value"]) -> None:
        """Input embeddings stay as they are."""

    def visible(self, due: Int[Tensor, "batch new"]) -> Bool[Tensor, "batch new prefix"]:
        """A token sees the positions of the target's token that is due after it."""
        token_of = torch.arange(self.target_tokens, device=due.device).repeat_interleave(self.per_token)
        return due.unsqueeze(-1) == token_of

    def openness(
        self, latent: Float[Tensor, "batch value"], query: Float[Tensor, "batch latent"] | None
    ) -> Float[Tensor, " batch"]:
        """Logarithm of how far the gate is open."""
        return nn.functional.logsigmoid(self.gate_logit(latent, query))

    def gate_logit(
        self, latent: Float[Tensor, "batch value"], query: Float[Tensor, "batch latent"] | None
    ) -> Float[Tensor, " batch"]:
        """Log-odds that the question is one for the fact."""
        return self.gate(self._from_fact(latent, query)).squeeze(-1)

    def _from_fact(self, latent: Tensor, query: Tensor | None) -> Float[Tensor, "batch width"]:
        scale = self.latent_size**0.5  # unit vectors to entries of about 1
        fact = latent[:, : self.latent_size] * scale
        if not self.query_aware:
            return self.from_fact(fact)
        query = fact if query is None else query * scale
        return self.from_fact(torch.cat([fact, query, fact * query, (fact - query).abs()], dim=-1))

    @torch.no_grad()
    def start_from(self, decoder: PreTrainedModel, text_ids: Int[Tensor, " tokens"]) -> None:
        """Start at real keys and values of the decoder, those of a neutral text, so that the first prefix is in
        distribution.

        All tokens are read at position 0, which leaves rotary keys as if they had not been rotated.
        """
        device = next(decoder.parameters()).device
        ids = text_ids.to(device)[None, -self.per_token :]
        cache = DynamicCache(config=decoder.config.get_text_config(decoder=True))
        handed = cache_argument(decoder.forward, cache)
        decoder(input_ids=ids, position_ids=torch.zeros_like(ids), use_cache=True, **handed)
        keys, values = (torch.stack([getattr(layer, part)[0] for layer in cache.layers]) for part in ("keys", "values"))
        real = torch.stack([keys, values]).float()  # [2, layers, heads, tokens, head]
        flat = real.permute(3, 0, 1, 2, 4).reshape(ids.shape[1], -1).to(self.base.device)
        self.base.copy_(flat[torch.arange(self.per_token).clamp(max=len(flat) - 1)])
        spread = real.std(dim=(2, 3, 4), keepdim=True).expand(-1, -1, real.shape[2], 1, real.shape[4])
        self.spread.copy_(spread.reshape(-1))
        embeddings = decoder.get_input_embeddings().weight.float()
        self.token_mean.copy_(embeddings.mean(0))
        self.token_scale.copy_(1 / embeddings.std(0).clamp(min=1e-3))
