"""EpMAN as one of the readers that are asked about long texts, and the same chunks put before the question."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from memory_llm.epman.asking import QUESTION, answer
from memory_llm.epman.memory import MEMORY_FILE, EpisodicMemory
from memory_llm.epman.model import EpMANForCausalLM
from memory_llm.epman.selection import select
from memory_llm.haystack.completion import Completion, complete, window_of


class EpMANReader:
    """Writes a text to a memory, and answers from it.

    Args:
        model: Who reads and answers.
        name: In tables and resumed runs.
        memories: Folder in which the memory of each text is kept: a text that the same model has read before is not
            read again. Keys and values of all texts lie there; in the process's memory, one at a time, if None.
    """

    def __init__(self, model: EpMANForCausalLM, *, name: str = "EpMAN", memories: str | os.PathLike[str] | None = None):
        self.model, self.name = model, name
        self._memories = None if memories is None else Path(memories).expanduser()
        self._memory: EpisodicMemory | None = None
        self._bytes_moved = 0

    def ingest(self, text: str) -> None:
        """Take in a text, in place of the one before."""
        self._memory = None  # not two at a time: each may fill most of the host
        self._memory = self.model.write(text) if self._memories is None else self._kept(text, self._memories)

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        """Answer about the text; the answer goes on from its cue, if there is one.

        Raises:
            ValueError: If no text has been taken in.
        """
        if self._memory is None:
            raise ValueError("no text has been taken in; call `ingest` first.")
        prefix = self.model.read(needle_question, self._memory).prefix
        self._bytes_moved = sum(part.numel() * part.element_size() for part in (prefix.keys, prefix.values))
        beginnings = [cue] if cue else None
        return answer(
            self.model, [needle_question], self._memory, beginnings=beginnings, max_new_tokens=max_new_tokens
        )[0]

    @property
    def bytes_moved(self) -> int:
        """Of the chunks handed to the decoder's device for the last answer."""
        return self._bytes_moved

    def _kept(self, text: str, memories: Path) -> EpisodicMemory:
        content = json.dumps([text, self.model.origin], sort_keys=True)
        folder = memories / hashlib.sha256(content.encode()).hexdigest()[:16]
        if not (folder / MEMORY_FILE).is_file():
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was cut off
            in_files = self.model.config.store == "kv"
            self.model.write(text, folder=folder if in_files else None).save_pretrained(folder)
        return self.model.load_memory(folder)


class ChunksInPromptReader:
    """Puts the text of the chunks that the model's retriever finds before the question, in the order of the text.

    The same decoder, chunks, retriever and number of chunks as :class:`EpMANReader`, without memory or gates: what it
    is to be compared with. Neighbours are read too if the model's scope is broad.

    Args:
        model: Whose parts are used.
    """

    def __init__(self, model: EpMANForCausalLM):
        self.model = model
        self.name = f"{model.config.top_chunks} chunks in the prompt, {model.config.attn_scope}"
        self._chunks: list[str] = []
        self._last = Completion("", 0, 0)

    def ingest(self, text: str) -> None:
        """Take in a text, in place of the one before."""
        self._chunks, _ = self.model.reader.cut(text)
        self._encoded = self.model.retriever.encode_chunks(self._chunks)

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        """Answer about the text; the answer goes on from its cue, if there is one.

        Raises:
            ValueError: If no text has been taken in.
        """
        if not self._chunks:
            raise ValueError("no text has been taken in; call `ingest` first.")
        scores = self.model.retriever.scores([needle_question], self._chunks, self._encoded)[0]
        selection = select(scores, self.model.config)
        opened = selection.chunks[selection.gates > 0].sort().values
        chunks = "".join(self._chunks[chunk] for chunk in opened.tolist())
        self._last = complete(
            self.model.decoder,
            self.model.tokenizer,
            f"{chunks}{QUESTION.format(needle_question)} {cue}".rstrip(),
            max_new_tokens=max_new_tokens,
            window=window_of(self.model.decoder),
        )
        return self._last.text

    @property
    def bytes_moved(self) -> int:
        """Of the prompt's tokens, for the last answer."""
        return self._last.bytes_moved
