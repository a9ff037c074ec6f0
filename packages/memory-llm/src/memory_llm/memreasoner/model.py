"""MemReasoner as a transformers model: lines in, hops through them, an answer out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import Cache, GenerationMixin, PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons.cache_name import cache_of
from gpu_commons.models import load_encoder, load_model
from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.answering import (
    Hop,
    answer_stories,
    ask_memory,
    best_lines,
    encode_texts,
    generation_inputs,
)
from memory_llm.memreasoner.checks import check_lines
from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.encoder import LineEncoder
from memory_llm.memreasoner.fingerprint import Fingerprint
from memory_llm.memreasoner.hops import Hops, HopTrace, build_memory
from memory_llm.memreasoner.losses import decode_loss, hop_parts, token_loss
from memory_llm.memreasoner.memory import MemReasonerMemory
from memory_llm.memreasoner.output import MemReasonerOutput
from memory_llm.memreasoner.prefix_decoder import PrefixDecoder
from memory_llm.memreasoner.processor import ENCODER_FOLDER, StoryProcessor
from memory_llm.memreasoner.readout import Readout, read_out
from memory_llm.memreasoner.temporal import build_temporal
from memory_llm.memreasoner.written import Written


class MemReasonerForQA(PreTrainedModel, GenerationMixin):
    """Encoder, ordered memory, hops and decoder.

    A context is written once (:meth:`write`) and asked as often as one likes (:meth:`read`, :meth:`answer`,
    :meth:`generate`); a question costs its own encoding and reads of the latents.

    Args:
        config: Sizes and choices.
        encoder: A pretrained encoder; a random one of the config if absent.
        decoder: A pretrained causal language model, likewise.
        processor: The tokenizers; needed for whatever takes texts.

    Attributes:
        train_readout: What the decoder gets in training, "soft" or "hard"; a training run may change it.

    Source: MemReasoner (Das et al. 2025), sections 1.2 to 1.7 of our notes on it; no code of it is public.
    """

    config_class = MemReasonerConfig
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_flash_attn = True
    name = "MemReasoner"

    def __init__(
        self,
        config: MemReasonerConfig,
        encoder: PreTrainedModel | None = None,
        decoder: PreTrainedModel | None = None,
        processor: StoryProcessor | None = None,
    ):
        super().__init__(config)
        self.encoder = LineEncoder(config, encoder)
        self.temporal = build_temporal(config)
        self.memory = build_memory(config)
        self.hops = Hops(config)
        self.decoder = PrefixDecoder(config, decoder)
        self.processor = processor
        self.train_readout = "soft"
        self._fingerprint = Fingerprint()
        if config.share_embeddings:
            self._tied_weights_keys = {self._name_of(self.encoder.encoder.model): self._name_of(self.decoder.decoder)}
        self.post_init()

    def _name_of(self, part: PreTrainedModel) -> str:
        """Of a part's embeddings among all weights."""
        wanted = part.get_input_embeddings().weight
        return next(name for name, weight in self.named_parameters() if weight is wanted)

    def _init_weights(self, module: nn.Module) -> None:
        """The parts of transformers initialise themselves; torch's own start suits the rest, at any width."""

    @classmethod
    def from_encoder_decoder(
        cls,
        encoder: PreTrainedModel,
        decoder: PreTrainedModel,
        encoder_tokenizer: PreTrainedTokenizerBase,
        tokenizer: PreTrainedTokenizerBase,
        **settings: Any,
    ) -> "MemReasonerForQA":
        """A model of two pretrained parts, with new weights between them; settings are the config's."""
        config = MemReasonerConfig(encoder.config, decoder.config, **settings)
        return cls(config, encoder, decoder, StoryProcessor(config, encoder_tokenizer, tokenizer))

    @classmethod
    def from_encoder_decoder_pretrained(cls, encoder: str, decoder: str, **settings: Any) -> "MemReasonerForQA":
        """The same of parts by hub id, folder, ``bundled:NAME`` or (for the decoder) .gguf file, in float32."""
        encoding, encoder_tokenizer = load_encoder(encoder)
        language, tokenizer = load_model(decoder, dtype="float32")
        model = cls.from_encoder_decoder(encoding, language, encoder_tokenizer, tokenizer, **settings)
        return model.to(language.device).eval()

    def save_pretrained(self, save_directory: str | os.PathLike[str], *arguments: Any, **more: Any) -> None:
        """As in transformers, and the tokenizers with it."""
        super().save_pretrained(save_directory, *arguments, **more)
        if self.processor is not None:
            self.processor.save_pretrained(save_directory)

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str], *arguments: Any, **more: Any) -> "MemReasonerForQA":
        """As in transformers, and the tokenizers with it if the folder has them."""
        model = super().from_pretrained(source, *arguments, **more)
        if (Path(source) / ENCODER_FOLDER).is_dir():
            model.processor = StoryProcessor.from_pretrained(source, model.config)
        return model

    # Tensors

    def encode(
        self, input_ids: Int[Tensor, "lines tokens"], attention_mask: Int[Tensor, "lines tokens"]
    ) -> Float[Tensor, "lines latent"]:
        """Latents of lines or questions."""
        return self.encoder(input_ids, attention_mask)

    def write_latents(
        self,
        latents: Float[Tensor, "batch lines latent"],
        line_mask: Bool[Tensor, "batch lines"],
        query: Float[Tensor, "batch latent"],
    ) -> Written:
        """Order latents and write them to the memory; the query is looked at only with ``query_gated``."""
        return self.memory.write(self.temporal(latents, line_mask, query), line_mask)

    def hop(
        self,
        query: Float[Tensor, "batch latent"],
        written: Written,
        latents: Float[Tensor, "batch lines latent"],
    ) -> tuple[HopTrace, Readout]:
        """Hop through a memory, and pick from the lines' latents what the decoder gets."""
        trace = self.hops(query, self.memory, written)
        mode = self.config.readout
        if mode != "topk" and self.training:
            mode = self.train_readout
        return trace, read_out(trace, latents, written.line_mask, mode=mode, top_lines=self.config.top_lines)

    def forward(
        self,
        input_ids: Int[Tensor, "batch new"],
        attention_mask: Int[Tensor, "batch seen"] | None = None,
        labels: Int[Tensor, "batch new"] | None = None,
        line_input_ids: Int[Tensor, "batch lines tokens"] | None = None,
        line_attention_mask: Int[Tensor, "batch lines tokens"] | None = None,
        line_mask: Bool[Tensor, "batch lines"] | None = None,
        query_input_ids: Int[Tensor, "batch query"] | None = None,
        query_attention_mask: Int[Tensor, "batch query"] | None = None,
        supporting_facts: Int[Tensor, "batch labelled"] | None = None,
        autoencoding: dict[str, Tensor] | None = None,
        fact_decoding: dict[str, Tensor] | None = None,
        latents: Float[Tensor, "batch read latent"] | None = None,
        latent_mask: Bool[Tensor, "batch read"] | None = None,
        cache: Cache | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        **_: Any,
    ) -> MemReasonerOutput:
        """Answer questions about lines, and learn to; or go on from latents that were read before.

        Args:
            input_ids: The decoder's tokens: prompt and answer.
            attention_mask: 1 for tokens and 0 for padding (on either side) of all tokens so far.
            labels: Tokens of the answer, -100 elsewhere.
            line_input_ids: The encoder's tokens of lines, padded on the right.
            line_attention_mask: 1 for tokens, 0 for padding.
            line_mask: False for padding lines, whose weight is exactly 0.
            query_input_ids: The encoder's tokens of the questions, padded on the right.
            query_attention_mask: 1 for tokens, 0 for padding.
            supporting_facts: Numbers of lines (0-based) in hop order; -100 = unlabelled.
            autoencoding: Lines to decode from their own latents: ``line_input_ids`` and ``line_attention_mask`` for the
                encoder, ``input_ids``, ``attention_mask`` and ``labels`` for the decoder.
            fact_decoding: Labelled lines to decode from the readouts of hops ``hop`` (0-based) of rows ``row``, with
                ``input_ids``, ``attention_mask`` and ``labels``.
            latents: What was read before, in place of lines and question.
            latent_mask: False for latents that are none.
            cache: Of earlier calls.
            past_key_values: The same; transformers before 5.24 call it so.
            use_cache: Return the cache.

        Raises:
            ValueError: If a row has no lines, there are more than ``max_lines``, a label points to no line, or there
                are more labelled hops than hops.
        """
        found = MemReasonerOutput()
        parts: dict[str, tuple[float, Tensor]] = {}
        if latents is None:
            if line_input_ids is None or line_attention_mask is None or line_mask is None:
                raise ValueError("`line_input_ids` and masks are needed without `latents`; give one or the other.")
            if query_input_ids is None or query_attention_mask is None:
                raise ValueError("`query_input_ids` and mask are needed with lines; give the question.")
            check_lines(self.config, line_mask, supporting_facts)
            texts = [(query_input_ids, query_attention_mask)]
            if autoencoding is not None:
                texts.append((autoencoding["line_input_ids"], autoencoding["line_attention_mask"]))
            lines, query, *own = self.encoder.encode_all(line_input_ids, line_attention_mask, line_mask, *texts)
            trace, (latents, latent_mask) = self.hop(query, self.write_latents(lines, line_mask, query), lines)
            found.hop_weights, found.hops_taken = trace.weights, trace.hops_taken
            parts |= hop_parts(self.config, self.decoder, trace, supporting_facts, fact_decoding)
            if autoencoding is not None:
                found.ae_loss = decode_loss(self.decoder, own[0], autoencoding)
                parts["ae"] = (self.config.ae_weight, found.ae_loss)
            found.sf_loss, found.kl_loss = (parts.get(name, (0.0, None))[1] for name in ("sf", "kl"))
        elif latent_mask is None:
            latent_mask = torch.ones(latents.shape[:2], dtype=torch.bool, device=latents.device)
        cache = past_key_values if cache is None else cache
        output = self.decoder(input_ids, attention_mask, latents, latent_mask, cache, use_cache=bool(use_cache))
        found.logits, found.cache = output.logits, cache_of(output) if use_cache else None
        if labels is not None:
            found.answer_loss = token_loss(output.logits, labels)
            found.loss = sum((weight * part for weight, part in parts.values()), found.answer_loss)
        return found

    # Texts

    @property
    def fingerprint(self) -> dict[str, str]:
        """Of all that decides what this model writes to a memory."""
        return self._fingerprint.of(self)

    def tokens(self) -> StoryProcessor:
        """The processor.

        Raises:
            ValueError: If the model was built without one.
        """
        if self.processor is None:
            raise ValueError("the model has no `processor`, so it takes no texts; set one of its two tokenizers.")
        return self.processor

    def write(self, lines: Sequence[str], *, batch_size: int = 256, progress: bool = False) -> MemReasonerMemory:
        """Encode lines, once for all questions.

        Args:
            lines: A text's lines in their order.
            batch_size: Lines of a pass of the encoder.
            progress: Show a bar on stderr.

        Raises:
            ValueError: If there are none or too many, one is empty, or one is too long and must not be.
        """
        pieces, _ = self.tokens().pieces(lines)
        latents = encode_texts(self, pieces, batch_size=batch_size, progress=progress)
        return MemReasonerMemory(pieces, latents, self.order(latents), self.fingerprint)

    @torch.no_grad()
    def order(self, latents: Float[Tensor, "lines latent"]) -> Written | None:
        """One memory of latents in their order, or None if it depends on the question."""
        if self.config.query_gated:
            return None
        row = latents.unsqueeze(0)
        return self.write_latents(row, torch.ones_like(row[..., 0], dtype=torch.bool), row[:, 0])

    def read(self, memory: MemReasonerMemory, question: str) -> list[Hop]:
        """The line that each hop reads most, with its number (0-based), text and weight."""
        trace, _ = ask_memory(self, memory, [question])
        return best_lines(trace, memory)

    def answer(self, stories: Sequence[Story], *, batch_size: int = 64, max_new_tokens: int = 8) -> list[str]:
        """Answers to stories, each from a memory of its own; lines that stories share are encoded once a batch."""
        return [text for text, _ in answer_stories(self, stories, batch_size=batch_size, max_new_tokens=max_new_tokens)]

    def generate(
        self,
        input_ids: Int[Tensor, "batch tokens"] | None = None,
        *,
        query: Sequence[str] | str | None = None,
        memory: MemReasonerMemory | None = None,
        **arguments: Any,
    ) -> Any:
        """As in transformers, from ``latents``; or from a memory and questions, after the answer prompt of each."""
        if memory is not None:
            if query is None:
                raise ValueError("`generate` from a `memory` needs a `query`, the question in words.")
            questions = [query] if isinstance(query, str) else list(query)
            _, readout = ask_memory(self, memory, questions)
            input_ids, arguments = generation_inputs(self, questions, readout, arguments)
        return super().generate(input_ids, **arguments)

    def get_input_embeddings(self) -> nn.Module:
        """The decoder's."""
        return self.decoder.decoder.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """The decoder's."""
        return self.decoder.decoder.get_output_embeddings()
