"""A decoder with documents in memory: it attends to the chunks that a retriever finds for each question."""

import copy
import os
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from tqdm import tqdm
from transformers import Cache, GenerationMixin, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import ModelOutput

from gpu_commons import model_fingerprint, tokenizer_fingerprint
from gpu_commons.cache_name import cache_argument, cache_of
from memory_llm.epman.cache import EpMANCache, Prefix, stacked
from memory_llm.epman.chunk_reader import ChunkReader
from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.kv_store import KVStore
from memory_llm.epman.memory import EpisodicMemory
from memory_llm.epman.reading import Reading
from memory_llm.epman.retrievers import Retriever
from memory_llm.epman.selection import Selection, select

OF_READING = ("chunk_size", "prefill", "context_chunks", "rope", "header", "store", "kv_format")


class EpMANForCausalLM(PreTrainedModel, GenerationMixin):
    """A pretrained decoder that answers from an :class:`EpisodicMemory`; without one it is the decoder, to the bit.

    Args:
        config: Settings.
        decoder: A causal language model of full attention.
        tokenizer: Its fast tokenizer.
        retriever: Who scores chunks.

    Raises:
        ValueError: If the decoder's cache takes no columns before its context, or its keys cannot be moved though
            ``rope='on_read'``.

    Source: Chaudhury et al. 2025 (EpMAN), 1.2 to 1.5.
    """

    config_class = EpMANConfig
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True

    def __init__(
        self,
        config: EpMANConfig,
        decoder: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        retriever: Retriever,
    ):
        super().__init__(config)
        self.generation_config = copy.deepcopy(decoder.generation_config)
        self.decoder, self.tokenizer, self.retriever = decoder, tokenizer, retriever
        self.reader = ChunkReader(config, decoder, tokenizer)
        self._origin: dict[str, Any] | None = None

    @classmethod
    def from_base(
        cls,
        decoder: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        retriever: Retriever,
        config: EpMANConfig | None = None,
        **settings: Any,
    ) -> "EpMANForCausalLM":
        """A pretrained decoder with a memory; settings are those of :class:`EpMANConfig`."""
        config = config or EpMANConfig(base_model=decoder.config._name_or_path or None, **settings)
        return cls(config, decoder, tokenizer, retriever).eval()

    @property
    def origin(self) -> dict[str, Any]:
        """What memories of this model are marked with."""
        if self._origin is None:
            self._origin = {
                "decoder": model_fingerprint(self.decoder),
                "tokenizer": tokenizer_fingerprint(self.tokenizer),
                "dtype": str(self.decoder.dtype).removeprefix("torch."),
                "retriever": self.retriever.fingerprint,
                **{name: getattr(self.config, name) for name in OF_READING},
            }
        return self._origin

    # Writing

    def write(
        self,
        document: str,
        memory: EpisodicMemory | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        batch_size: int = 8,
        progress: bool = False,
    ) -> EpisodicMemory:
        """Read a document into a memory.

        Args:
            document: The text.
            memory: What to add it to; a new one if absent.
            folder: Where a new memory's keys and values grow as a mapped file; the process's memory if absent.
            batch_size: Chunks of a forward pass.
            progress: Show a bar on stderr.

        Raises:
            ValueError: If the document is empty, the memory is another model's, or the document does not fit a window
                that it has to be read in.
        """
        texts, tokens = self.reader.cut(document)
        if memory is None:
            kv = None if self.config.store == "text" else KVStore(self.reader.layout, folder=folder)
            memory = EpisodicMemory(self.origin, kv=kv)
        memory.check(self.origin)
        encoded = self.retriever.encode_chunks(texts)
        starts = list(self.reader.starts(tokens))
        if memory.kv is not None:
            try:
                with tqdm(desc="reading", total=len(tokens), unit="chunk", disable=not progress) as bar:
                    for states in self.reader.read(tokens, batch_size=batch_size):
                        memory.kv.append(states.keys, states.values)
                        bar.update(states.keys.shape[1])
            except BaseException:
                memory.kv.cut(len(memory))  # all of a document or nothing
                raise
        memory.append(texts, tokens, starts, encoded)
        return memory

    def load_memory(self, folder: str | os.PathLike[str]) -> EpisodicMemory:
        """A saved memory, refused if another model or other settings wrote it."""
        return EpisodicMemory.from_pretrained(folder, origin=self.origin)

    # Reading

    @torch.inference_mode()
    def read(self, questions: Sequence[str] | str, memory: EpisodicMemory | Sequence[EpisodicMemory]) -> Reading:
        """Select chunks for questions and make them ready.

        Args:
            questions: One or several.
            memory: One for all questions, or one for each.

        Raises:
            ValueError: If there is no question, one is empty, a memory is another model's, or there are not as many
                memories as questions.
        """
        questions = [questions] if isinstance(questions, str) else list(questions)
        memories = self._memories(questions, memory)
        selections = self._select(questions, memories)
        rows = [self.reader.columns(one, selection) for one, selection in zip(memories, selections, strict=True)]
        offsets = torch.tensor(
            [self.reader.offset(one, keys.shape[-2]) for one, (keys, _) in zip(memories, rows, strict=True)]
        )
        every = self.config.reselect_every

        def renew(said: list[str]) -> tuple[list[Selection], Prefix]:
            again = self._select(said, memories)
            columns = [
                self.reader.columns(one, selection, end=int(end))
                for one, selection, end in zip(memories, again, offsets, strict=True)
            ]
            return again, self._on_device(stacked(columns))

        return Reading(selections, self._on_device(stacked(rows)), offsets, every, renew)

    def forward(
        self,
        input_ids: Int[Tensor, "batch new"],
        attention_mask: Int[Tensor, "batch seen"] | None = None,
        labels: Int[Tensor, "batch new"] | None = None,
        reading: Reading | None = None,
        rows: Int[Tensor, " batch"] | None = None,
        cache: Cache | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> ModelOutput:
        """Logits of the next token at every position.

        Args:
            input_ids: New tokens of questions and answers.
            attention_mask: 1 for tokens and 0 for padding of all of these so far; selected chunks are not counted.
            labels: Tokens to predict; -100 where nothing is to be learnt.
            reading: What :meth:`read` has selected; absent = no memory, which is the decoder itself.
            rows: Which of its questions each row is; one after another if absent.
            cache: Of earlier calls, an :class:`EpMANCache` where there is a reading.
            past_key_values: The same; transformers before 5.24 call it so.
            use_cache: Return the cache.
            logits_to_keep: Only so many last positions; 0 means all.
        """
        cache = past_key_values if cache is None else cache
        if reading is not None:
            cache = EpMANCache(self.decoder.config) if cache is None else cache
        arguments: dict[str, Any] = {"labels": labels, "logits_to_keep": logits_to_keep}
        arguments |= cache_argument(self.decoder.forward, cache)
        if reading is None:
            return self.decoder(input_ids=input_ids, attention_mask=attention_mask, use_cache=use_cache, **arguments)
        if not isinstance(cache, EpMANCache):
            raise ValueError(f"`cache` must be an EpMANCache where there is a reading, got {type(cache).__name__}.")
        rows = torch.arange(len(input_ids)) if rows is None else rows.cpu()
        if not cache.prefix_length:
            cache.select(reading.expanded(rows))
        new = input_ids.shape[1]
        if attention_mask is None:  # `generate` drops one that is all ones
            attention_mask = input_ids.new_ones(len(input_ids), cache.get_seq_length() - cache.prefix_length + new)
        seen = reading.mask(rows).to(attention_mask)
        offsets = reading.offsets[rows].to(input_ids.device)
        positions = offsets[:, None] + (attention_mask.cumsum(-1) - 1).clamp(min=0)
        whole = torch.cat([seen, attention_mask], dim=-1)
        return self.decoder(
            input_ids=input_ids,
            attention_mask=None if bool(whole.all()) else whole,
            position_ids=positions[:, -new:],
            use_cache=True,
            **arguments,
        )

    def generate(self, input_ids: Int[Tensor, "batch tokens"], **arguments: Any) -> Any:
        """As in transformers, with ``memory`` (one, or one for each row) and ``questions``.

        Questions are what the retriever is asked; the rows' own text if absent.

        Raises:
            ValueError: As :meth:`read`, or if chunks are to be selected anew under beams.
        """
        memory, questions = arguments.pop("memory", None), arguments.pop("questions", None)
        if memory is None:
            return self.decoder.generate(input_ids, **arguments)
        if self.config.reselect_every is not None and arguments.get("num_beams", 1) > 1:
            raise ValueError("`reselect_every` works without beams only; set num_beams=1 or reselect_every=None.")
        if questions is None:
            questions = self.tokenizer.batch_decode(input_ids, skip_special_tokens=True)
        reading = self.read(questions, memory)
        if len(reading.selections) != len(input_ids):
            raise ValueError(
                f"there are {len(reading.selections)} questions for {len(input_ids)} prompts; give as many."
            )
        if cache_of(arguments) is None:
            cache = EpMANCache(self.decoder.config)
            arguments |= cache_argument(GenerationMixin.prepare_inputs_for_generation, cache)
        rows = torch.arange(len(input_ids), device=input_ids.device)
        return super().generate(
            input_ids,
            reading=reading,
            rows=rows,
            prompt_length=input_ids.shape[1],
            **arguments,
        )

    def prepare_inputs_for_generation(
        self, input_ids: Int[Tensor, "batch tokens"], prompt_length: int = 0, **kwargs: Any
    ) -> dict[str, Any]:
        """Also select chunks anew when it is time."""
        prepared = super().prepare_inputs_for_generation(input_ids, **kwargs)
        reading, generated = kwargs.get("reading"), input_ids.shape[1] - prompt_length
        if reading is not None and reading.every and generated and generated % reading.every == 0:
            said = self.tokenizer.batch_decode(input_ids, skip_special_tokens=True)
            reading.follow(cache_of(kwargs), said)
        return prepared

    def get_input_embeddings(self) -> nn.Module:
        """The decoder's."""
        return self.decoder.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """The decoder's."""
        return self.decoder.get_output_embeddings()

    # Parts

    def _memories(
        self, questions: list[str], memory: EpisodicMemory | Sequence[EpisodicMemory]
    ) -> list[EpisodicMemory]:
        if not questions:
            raise ValueError("`questions` is empty; ask at least one.")
        for row, question in enumerate(questions):
            if not question.strip():
                raise ValueError(f"question {row} is empty; every question needs words to find chunks by.")
        memories = [memory] * len(questions) if isinstance(memory, EpisodicMemory) else list(memory)
        if len(memories) != len(questions):
            raise ValueError(
                f"there are {len(memories)} memories for {len(questions)} questions; give one for all, or one for each."
            )
        for one in {id(one): one for one in memories}.values():
            one.check(self.origin)
            if not len(one):
                raise ValueError("the memory holds no chunks; write a document first.")
        return memories

    def _select(self, questions: Sequence[str], memories: Sequence[EpisodicMemory]) -> list[Selection]:
        found = []
        for question, memory in zip(questions, memories, strict=True):
            assert memory.encoded is not None
            scores = self.retriever.scores([question], memory.texts, memory.encoded)
            if scores.shape != (1, len(memory)):
                raise ValueError(
                    f"the retriever gave scores of shape {tuple(scores.shape)} for 1 question and {len(memory)} chunks; "
                    "it must give one for every question and chunk."
                )
            if self.config.top_chunks > len(memory):
                warnings.warn(
                    f"`top_chunks` is {self.config.top_chunks}, but a memory holds {len(memory)} chunks; all are "
                    "attended to.",
                    stacklevel=4,
                )
            found.append(select(scores[0], self.config, documents=memory.document_numbers()))
        return found

    def _on_device(self, prefix: Prefix) -> Prefix:
        device, dtype = self.decoder.device, self.decoder.dtype
        return Prefix(prefix.keys.to(device, dtype), prefix.values.to(device, dtype), prefix.mask)
