"""The decoder, which is told what was read by keys and values, or an embedding, before its first token."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, Cache, DynamicCache, PreTrainedModel
from transformers.utils import ModelOutput

from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import cache_shape, insert_prefix
from memory_llm.memreasoner.config import MemReasonerConfig


class PrefixDecoder(nn.Module):
    """A causal language model behind one position for each latent.

    With ``conditioning='kv_prefix'`` each layer gets its own slice of ``W z`` as key and value, unrotated, that is at
    position 0, and tokens begin at position 1. With "embeds" latents are the embeddings of first tokens. All tokens see
    these positions, padding on the left of a batch comes after them.

    Args:
        config: Of the model.
        decoder: A pretrained causal language model; a random one of the config if absent.

    Raises:
        ValueError: If the decoder's width is not the config's, or its cache takes no prefix.

    Source: Larimar's released code, as MemReasoner 1.6 has it. Differs: any decoder of full attention, several
    positions, embeddings as the other way.
    """

    def __init__(self, config: MemReasonerConfig, decoder: PreTrainedModel | None = None):
        super().__init__()
        self.decoder = AutoModelForCausalLM.from_config(config.decoder) if decoder is None else decoder
        # Where transformers looks for weights that a file holds once.
        tied = self.decoder.all_tied_weights_keys
        self.all_tied_weights_keys = {f"decoder.{name}": f"decoder.{source}" for name, source in tied.items()}
        width = self.decoder.get_input_embeddings().embedding_dim
        if width != config.decoder.hidden_size:
            raise ValueError(
                f"the decoder has width {width}, but the config says {config.decoder.hidden_size}; build the model by "
                "`from_encoder_decoder`, which takes the config from the parts."
            )
        self.by_cache = config.conditioning == "kv_prefix"
        if self.by_cache:
            self.shape = cache_shape(self.decoder)
            width_out = self.shape.layers * self.shape.heads * self.shape.head_dim
        else:
            width_out = width
        self.to_prefix = nn.Linear(config.latent_size, width_out, bias=False)
        self.to_embedding = nn.Linear(config.latent_size, width, bias=False) if config.inject_embedding else None
        # Attention could not tell several latents at position 0 apart.
        self.ranks = nn.Embedding(config.top_lines, config.latent_size) if config.readout == "topk" else None

    def forward(
        self,
        input_ids: Int[Tensor, "batch new"],
        attention_mask: Int[Tensor, "batch seen"] | None,
        latents: Float[Tensor, "batch read latent"],
        latent_mask: Bool[Tensor, "batch read"],
        cache: Cache | None = None,
        *,
        use_cache: bool = False,
    ) -> ModelOutput:
        """The decoder's output at the new tokens.

        Args:
            input_ids: New tokens.
            attention_mask: 1 for tokens and 0 for padding (on either side) of all tokens so far, without the prefix.
            latents: What was read.
            latent_mask: False for latents that are none.
            cache: Of earlier calls, in which the prefix already lies, or an empty one.
            use_cache: Return the cache.
        """
        new, read = input_ids.shape[1], latents.shape[1]
        if self.ranks is not None:
            latents = latents + self.ranks.weight[:read]
        if cache is None and (use_cache or self.by_cache):
            cache = DynamicCache(config=self.decoder.config)
        seen = 0 if cache is None else cache.get_seq_length()
        if attention_mask is None:  # `generate` drops one that is all ones
            attention_mask = input_ids.new_ones(len(input_ids), max(seen - read, 0) + new)
        embeddings = self._embed(input_ids, latents, latent_mask)
        mask = torch.cat([latent_mask.to(attention_mask), attention_mask], dim=1)
        if self.by_cache:
            positions = (attention_mask.cumsum(-1) - 1).clamp(min=0)[:, -new:] + 1
            if not seen:
                insert_prefix(cache, *self._columns(latents))
        else:
            if not seen:
                embeddings = torch.cat([self.to_prefix(latents).to(embeddings.dtype), embeddings], dim=1)
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -embeddings.shape[1] :]
        output = self.decoder(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=positions,
            use_cache=cache is not None,
            **cache_argument(self.decoder.forward, cache),
        )
        output["logits"] = output["logits"][:, -new:]
        return output

    def _embed(self, input_ids: Tensor, latents: Tensor, latent_mask: Tensor) -> Tensor:
        embeddings = self.decoder.get_input_embeddings()(input_ids)
        if self.to_embedding is None:
            return embeddings
        share = latent_mask.to(latents.dtype) / latent_mask.sum(1, keepdim=True)
        shift = self.to_embedding(torch.einsum("br,brc->bc", share, latents))
        return embeddings + shift.unsqueeze(1).to(embeddings.dtype)

    def _columns(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        layers, heads, head_dim = self.shape
        flat = self.to_prefix(latents).view(*latents.shape[:2], layers, heads, head_dim)
        columns = flat.permute(2, 0, 3, 1, 4).to(self.decoder.dtype)
        return columns, columns
