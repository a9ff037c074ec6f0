"""From a memory's readout to keys and values that the decoder finds before its context."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel

from gpu_commons.kv_cache import CacheShape, cache_shape
from memory_llm.larimar.config import LarimarConfig

Prefix = tuple[Float[Tensor, "layers batch heads prefix head"], Float[Tensor, "layers batch heads prefix head"]]


def build_connector(config: LarimarConfig, decoder: PreTrainedModel) -> "LinearConnector | TokenConnector":
    """The connector that a config names, for a decoder whose cache takes a prefix.

    Raises:
        ValueError: If the decoder's cache takes none.
    """
    shape = cache_shape(decoder)
    if config.connector == "linear":
        return LinearConnector(config, shape)
    return TokenConnector(config, shape)


class LinearConnector(nn.Module):
    """The paper's map: each layer gets its own slice of ``W_M z`` as key and value of one position.

    Source: Larimar 1.9 (released code). Differs: key and value may have maps of their own (``tie_kv=False``).
    """

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


class TokenConnector(nn.Module):
    """Several positions, one for each token of the target, that know the token before, the fact and the question.

    Position t is computed from the embeddings of target tokens t and t-1 (the one that the decoder has just said when t
    is due), from the encodings of the fact's prompt and of the question, and from their product. All positions share
    the maps and a basis of ``connector_rank`` directions of the cache.

    Source: none; the paper's latent is one vector for the whole fact and its decoder is trained. With a frozen decoder
    that vector learns slowly.
    """

    spread: Tensor
    token_mean: Tensor
    token_scale: Tensor

    def __init__(self, config: LarimarConfig, shape: CacheShape):
        super().__init__()
        self.shape, self.length, self.latent_size = shape, config.prefix_length, config.latent_size
        self.query_aware = config.query_aware
        width, hidden = config.connector_width, config.decoder.hidden_size
        per_position = 2 * shape.layers * shape.heads * shape.head_dim
        self.from_token = nn.Linear(hidden, width)
        self.from_previous = nn.Linear(hidden, width, bias=False)
        features = config.latent_size * (3 if config.query_aware else 1)
        self.from_fact = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))
        self.positions = nn.Parameter(torch.zeros(config.prefix_length, width))
        # The norm gives each position a push of the size of real keys from the first step on.
        self.to_rank = nn.Sequential(
            nn.GELU(), nn.Linear(width, config.connector_rank), nn.LayerNorm(config.connector_rank)
        )
        self.basis = nn.Linear(config.connector_rank, per_position, bias=False)
        self.base = nn.Parameter(torch.zeros(config.prefix_length, per_position))
        self.register_buffer("spread", torch.ones(per_position))
        self.register_buffer("token_mean", torch.zeros(hidden))
        self.register_buffer("token_scale", torch.ones(hidden))

    def forward(self, latent: Float[Tensor, "batch value"], query: Float[Tensor, "batch latent"] | None) -> Prefix:
        """Keys and values of ``prefix_length`` positions."""
        fact, tokens = latent[:, : self.latent_size], latent[:, self.latent_size :]
        tokens = (tokens.view(len(latent), self.length, -1) - self.token_mean) * self.token_scale
        previous = nn.functional.pad(tokens, (0, 0, 1, 0))[:, :-1]
        hidden = self.from_token(tokens) + self.from_previous(previous) + self.positions
        hidden = hidden + self.from_fact(self._features(fact, query))[:, None]
        flat = self.basis(self.to_rank(hidden)) * self.spread + self.base
        layers, heads, _ = self.shape
        split = flat.view(len(latent), self.length, 2, layers, heads, -1).permute(2, 3, 0, 4, 1, 5)
        return split[0], split[1]

    def shift(self, latent: Float[Tensor, "batch value"]) -> None:
        """Input embeddings stay as they are."""

    def _features(self, fact: Tensor, query: Tensor | None) -> Float[Tensor, "batch features"]:
        scale = self.latent_size**0.5  # unit vectors to entries of about 1
        fact = fact * scale
        if not self.query_aware:
            return fact
        query = fact if query is None else query * scale
        return torch.cat([fact, query, fact * query], dim=-1)

    @torch.no_grad()
    def start_from(self, decoder: PreTrainedModel, text_ids: Int[Tensor, " tokens"]) -> None:
        """Start at real keys and values of the decoder, those of a neutral text, so that the first prefix is in
        distribution.

        All tokens are read at position 0, which leaves rotary keys as if they had not been rotated.
        """
        device = next(decoder.parameters()).device
        ids = text_ids.to(device)[None, -self.length :]
        cache = DynamicCache(config=decoder.config.get_text_config(decoder=True))
        decoder(input_ids=ids, position_ids=torch.zeros_like(ids), past_key_values=cache, use_cache=True)
        keys, values = (torch.stack([getattr(layer, part)[0] for layer in cache.layers]) for part in ("keys", "values"))
        real = torch.stack([keys, values]).float()  # [2, layers, heads, tokens, head]
        flat = real.permute(3, 0, 1, 2, 4).reshape(ids.shape[1], -1).to(self.base.device)
        self.base.copy_(flat[torch.arange(self.length).clamp(max=len(flat) - 1)])
        spread = real.std(dim=(2, 3, 4), keepdim=True).expand(-1, -1, real.shape[2], 1, real.shape[4])
        self.spread.copy_(spread.reshape(-1))
        embeddings = decoder.get_input_embeddings().weight.float()
        self.token_mean.copy_(embeddings.mean(0))
        self.token_scale.copy_(1 / embeddings.std(0).clamp(min=1e-3))
