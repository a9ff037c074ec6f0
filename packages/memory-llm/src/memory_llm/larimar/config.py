"""Configuration of a Larimar model."""

from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig

from memory_llm.sub_config import as_sub_config
from memory_llm.text_encoder import POOLINGS

CONNECTORS = ("tokens", "linear")


class LarimarConfig(PreTrainedConfig):
    """An encoder, a decoder and the connector between memory and decoder.

    Args:
        encoder: Config of the text encoder.
        decoder: Config of the causal language model.
        pooling: What of the encoder's last states becomes a vector: masked mean, first token, or BERT's pooler.
        latent_size: Width C of a latent; the paper's bias-free projection if it differs from the encoder's width.
        latent_norm: Scale encodings to unit length.
        connector: ``tokens`` maps [encoding of the prompt; embeddings of the target's tokens] to keys and values of
            positions for each token; ``linear`` is the paper's W_M (and W_E), with one position and the encoding of the
            whole fact as latent.
        target_tokens: ``tokens``: longest target in tokens, its full stop included.
        positions_per_token: ``tokens``: positions of the cache that speak for each token of a target.
        connector_width: Hidden width of the ``tokens`` connector.
        connector_rank: Width of the basis that all its positions share.
        query_aware: Let the ``tokens`` connector see the encoding of the question as well, so that it can tell whether
            the fact answers it.
        tie_kv: ``linear``: use one vector as key and value (the paper).
        inject_embedding: ``linear``: also add ``W_E z`` to every input embedding (the released code).
        memory_slots: Slots of the memory that episodes are trained with (the paper's K).
        freeze_encoder: Keep the encoder as it is.
        freeze_decoder: Keep the decoder as it is, and so the base model intact.
        loss_weights: Of the episode loss (1.10 of the paper's code): reconstruction through the memory, auto-encoding,
            decoding without memory, squared distance of the readout. The paper's KL term is not among them.

    Raises:
        ValueError: If a choice is unknown.
    """

    model_type = "larimar"
    sub_configs: ClassVar = {"encoder": AutoConfig, "decoder": AutoConfig}

    def __init__(
        self,
        encoder: PreTrainedConfig | dict[str, Any] | None = None,
        decoder: PreTrainedConfig | dict[str, Any] | None = None,
        *,
        pooling: str = "mean",
        latent_size: int | None = None,
        latent_norm: bool = True,
        connector: str = "tokens",
        target_tokens: int = 8,
        positions_per_token: int = 2,
        connector_width: int = 384,
        connector_rank: int = 128,
        query_aware: bool = True,
        tie_kv: bool = True,
        inject_embedding: bool = True,
        memory_slots: int = 512,
        freeze_encoder: bool = True,
        freeze_decoder: bool = True,
        loss_weights: dict[str, float] | None = None,
        **arguments: Any,
    ):
        for name, value, allowed in (("pooling", pooling, POOLINGS), ("connector", connector, CONNECTORS)):
            if value not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}, got {value!r}.")
        self.encoder, self.decoder = as_sub_config(encoder, "bert"), as_sub_config(decoder, "llama")
        self.pooling, self.latent_norm = pooling, latent_norm
        self.latent_size = latent_size or self.encoder.hidden_size
        self.connector = connector
        self.target_tokens, self.positions_per_token = target_tokens, positions_per_token
        self.connector_width, self.connector_rank, self.query_aware = connector_width, connector_rank, query_aware
        self.tie_kv, self.inject_embedding = tie_kv, inject_embedding
        self.memory_slots = memory_slots
        self.freeze_encoder, self.freeze_decoder = freeze_encoder, freeze_decoder
        self.loss_weights = {"rec": 1.0, "ae": 1.0, "lm": 1.0, "l2": 0.0, **(loss_weights or {})}
        super().__init__(**arguments)

    @property
    def prefix_length(self) -> int:
        """Positions of the cache that a readout takes."""
        return 1 if self.connector == "linear" else self.target_tokens * self.positions_per_token

    @property
    def value_size(self) -> int:
        """Width of what a memory stores of a fact."""
        if self.connector == "linear":
            return self.latent_size
        return self.latent_size + self.target_tokens * self.decoder.hidden_size
