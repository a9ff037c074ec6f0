"""Larimar as a transformers model: what a memory says becomes keys and values before the decoder's context."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, Cache, DynamicCache, GenerationMixin, PreTrainedModel
from transformers.utils import ModelOutput

from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import decoder_of, insert_prefix
from memory_llm.larimar.config import LarimarConfig
from memory_llm.larimar.connector import RELEASED, build_connector
from memory_llm.larimar.prefix_mask import prefix_mask, token_positions
from memory_llm.text_encoder import TextEncoder


class LarimarForCausalLM(PreTrainedModel, GenerationMixin):
    """Encoder, decoder and connector; a memory stays outside and hands in what it reads (``latent``).

    Without a latent it is the decoder, to the bit. With one, every row of a batch has a prefix of its own. In
    ``generate`` (greedy, sampling, beams) the prefix is released from a row as soon as that row has said one of
    ``release_ids``, since the same fact over and over would be the answer to everything after it.

    Args:
        config: Sizes and choices.
        encoder: A pretrained encoder; a random one of the config if absent.
        decoder: A pretrained causal language model, likewise.

    Source: Larimar (Das et al. 2024), 1.9 of the released code. Differs: a decoder of any family whose cache takes a
    prefix; base weights may stay frozen; several positions (see :class:`TokenConnector`).
    """

    config_class = LarimarConfig
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(
        self, config: LarimarConfig, encoder: PreTrainedModel | None = None, decoder: PreTrainedModel | None = None
    ):
        super().__init__(config)
        self.encoder = TextEncoder(
            config.encoder,
            encoder,
            pooling=config.pooling,
            latent_size=config.latent_size,
            unit=config.latent_norm,
        )
        self.decoder = AutoModelForCausalLM.from_config(config.decoder) if decoder is None else decoder
        self.connector = build_connector(config, self.decoder)
        self.prior = (
            None if config.connector == "tokens" else nn.Parameter(torch.eye(config.memory_slots, config.latent_size))
        )
        for module, frozen in ((self.encoder.model, config.freeze_encoder), (self.decoder, config.freeze_decoder)):
            if frozen:
                module.requires_grad_(False).eval()
        self.post_init()

    @classmethod
    def from_encoder_decoder(
        cls, encoder: PreTrainedModel, decoder: PreTrainedModel, **settings: Any
    ) -> "LarimarForCausalLM":
        """A model of two pretrained parts with a new connector; settings are those of :class:`LarimarConfig`."""
        return cls(LarimarConfig(encoder.config, decoder.config, **settings), encoder, decoder)

    def train(self, mode: bool = True) -> "LarimarForCausalLM":
        """Frozen parts stay in eval mode: dropout in them would be noise that nothing learns from."""
        super().train(mode)
        if self.config.freeze_encoder:
            self.encoder.model.eval()
        if self.config.freeze_decoder:
            self.decoder.eval()
        return self

    def get_input_embeddings(self) -> nn.Module:
        """The decoder's."""
        return self.decoder.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """The decoder's."""
        return self.decoder.get_output_embeddings()

    def encode(self, input_ids: Int[Tensor, "texts tokens"], attention_mask: Int[Tensor, "texts tokens"]) -> Tensor:
        """Latents ``[texts, latent]`` of texts in the encoder's tokens."""
        return self.encoder(input_ids, attention_mask)

    def value(
        self, fact: Float[Tensor, "facts latent"], target_ids: Int[Tensor, "facts tokens"]
    ) -> Float[Tensor, "facts value"]:
        """What a memory stores of facts, for the ``tokens`` connector: [encoding of the prompt; target embeddings].

        Args:
            fact: Encodings of the prompts.
            target_ids: Tokens of the targets and a full stop, -1 from there on.
        """
        embedded = self.get_input_embeddings()(target_ids.clamp(min=0)).detach().float()
        embedded = embedded * (target_ids >= 0).unsqueeze(-1)
        return torch.cat([fact, embedded.flatten(1)], dim=-1)

    @torch.no_grad()
    def read_context(
        self, input_ids: Int[Tensor, "batch tokens"], attention_mask: Int[Tensor, "batch tokens"]
    ) -> Cache:
        """Cache of a context that no memory takes part in, for :meth:`forward`."""
        cache = DynamicCache(config=self.config.decoder)
        if input_ids.shape[1]:
            reader = decoder_of(self.decoder)
            reader(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=token_positions(attention_mask),
                use_cache=True,
                **cache_argument(reader.forward, cache),
            )
        return cache

    def forward(
        self,
        input_ids: Int[Tensor, "batch new"],
        attention_mask: Int[Tensor, "batch seen"] | None = None,
        labels: Int[Tensor, "batch new"] | None = None,
        latent: Float[Tensor, "batch value"] | None = None,
        query: Float[Tensor, "batch latent"] | None = None,
        due: Int[Tensor, "batch new"] | None = None,
        cache: Cache | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> ModelOutput:
        """Logits of the next token at every position, given what the memory says.

        Args:
            input_ids: The decoder's tokens that are new.
            attention_mask: 1 for tokens and 0 for padding (on either side) of all tokens so far, without the prefix.
            labels: Tokens to predict; -100 where nothing is to be learnt.
            latent: What the memory says to each row; absent = no memory, which is the decoder itself.
            query: Encoding of each row's question, for a connector that is aware of it.
            due: Which token of the target (0-based) comes after each new token; -1 within the question, ``RELEASED``
                after the target. If absent, the target begins after the last token of each row.
            cache: Of earlier calls, in which the prefix already lies, or of :meth:`read_context`, which gets it.
            past_key_values: The same; transformers before 5.24 call it so.
            use_cache: Return the cache.
            logits_to_keep: Only so many last positions; 0 means all.
        """
        cache = past_key_values if cache is None else cache
        arguments: dict[str, Any] = {"use_cache": use_cache, "labels": labels}
        if latent is None:
            inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
            inputs |= cache_argument(self.decoder.forward, cache)
            return _last(self.decoder(**inputs, **arguments), logits_to_keep)
        cache = DynamicCache(config=self.config.decoder) if cache is None else cache
        seen, new = cache.get_seq_length(), input_ids.shape[1]
        mask = attention_mask
        if mask is None:  # `generate` drops one that is all ones
            mask = input_ids.new_ones(len(input_ids), max(seen - self.config.prefix_length, 0) + new)
        if seen + new == mask.shape[1]:
            insert_prefix(cache, *(part.to(self.decoder.dtype) for part in self.connector(latent, query)))
        due = _after_the_last(mask, new) if due is None else due
        embeddings = self.get_input_embeddings()(input_ids)
        if (shift := self.connector.shift(latent)) is not None:
            embeddings = embeddings + (shift[:, None] * (due < RELEASED)[..., None]).to(embeddings.dtype)
        output = self.decoder(
            inputs_embeds=embeddings,
            attention_mask=prefix_mask(
                self.connector.visible(due), mask, self.decoder.dtype, openness=self.connector.openness(latent, query)
            ),
            position_ids=token_positions(mask)[:, -new:] + self.connector.first_position,
            **cache_argument(self.decoder.forward, cache),
            **{**arguments, "use_cache": True},
        )
        return _last(output, logits_to_keep)

    def prepare_inputs_for_generation(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        release_ids: list[int] | None = None,
        prompt_length: int = 0,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Also tell, from what each row has said so far, what is due in it (rows move among beams, texts with them)."""
        prepared = super().prepare_inputs_for_generation(input_ids, **kwargs)
        if kwargs.get("latent") is not None:
            due = (torch.arange(input_ids.shape[1], device=input_ids.device) - prompt_length + 1).clamp(min=-1)
            ends = torch.tensor(release_ids or [], dtype=input_ids.dtype, device=input_ids.device)
            said = torch.isin(input_ids, ends) & (due > 0)
            due = due.expand_as(input_ids).masked_fill(said.cumsum(-1) > 0, RELEASED)
            prepared["due"] = due[:, -prepared["input_ids"].shape[1] :]
        return prepared

    def generate(self, input_ids: Int[Tensor, "batch tokens"], **arguments: Any) -> Any:
        """As in transformers, with ``latent``, ``query`` and ``release_ids`` beside its arguments; pads on the left."""
        if arguments.get("latent") is None:
            without = {
                name: value for name, value in arguments.items() if name not in ("latent", "query", "release_ids")
            }
            return self.decoder.generate(input_ids, **without)
        return super().generate(input_ids, prompt_length=input_ids.shape[1], **arguments)


def _after_the_last(mask: Int[Tensor, "batch seen"], new: int) -> Int[Tensor, "batch new"]:
    """0 at the last token of each row, -1 elsewhere."""
    last = mask.shape[1] - 1 - mask.flip(-1).argmax(-1, keepdim=True)
    return (torch.arange(mask.shape[1], device=mask.device) == last).long()[:, -new:] - 1


def _last(output: ModelOutput, count: int) -> ModelOutput:
    """The output with its last logits only.

    Decoders could do so themselves, but slice states for it, and torch copies a frozen head for every row of a batch to
    multiply it with states that are not contiguous.
    """
    if count:
        output["logits"] = output["logits"][:, -count:]
    return output
