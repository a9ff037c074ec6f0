"""Answer from texts of any length: two reads of memory, and a decoder that is handed one latent at a time.

The first memory holds one key a segment of the text. The second is written when a question comes, from the segments
that the first one found: a fact for every place in their sentences, whose key encodes the words before it, as many as
the beginning of the answer has, and whose value holds the tokens that follow. Reading it with that beginning gives the
latent that the decoder speaks from. What reaches the decoder's device is of the same size whatever the text's length.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm import tqdm

from memory_llm.haystack import Segment, segment
from memory_llm.haystack.sentences import sentence_spans
from memory_llm.larimar.editor import continue_prompts
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.segment_store import SegmentStore

ENCODE_BATCH = 512


class LongContextReader:
    """Takes in a text once and answers many questions about it.

    Args:
        larimar: With a ``tokens`` connector.
        segment_tokens: Longest segment in the encoder's tokens; sentences are kept whole.
        top_k: Segments whose places the second memory holds.
        folder: Where the segments' keys and the text lie, mapped; the process's memory if absent.
        progress: Show progress on stderr.

    Source: the needle paper (Nelson et al. 2024) and Larimar's recursive reading (5.5). Differs: its readouts are not
    written to a higher memory as they are; the places of the segments they stand for are, since a latent of a frozen
    sentence encoder does not hold a segment word for word. The answer has to lie in one sentence.
    """

    name = "larimar"

    def __init__(
        self,
        larimar: Larimar,
        *,
        segment_tokens: int = 64,
        top_k: int = 4,
        folder: str | os.PathLike[str] | None = None,
        progress: bool = False,
    ):
        self.larimar, self.segment_tokens, self.top_k, self.progress = larimar, segment_tokens, top_k, progress
        width = larimar.model.config.latent_size
        self.store = SegmentStore(width, folder=folder, fingerprint=larimar.fingerprint)
        self._bytes_moved = 0

    @property
    def bytes_moved(self) -> int:
        """Most bytes that the memory handed to the decoder's device at once for the last answer."""
        return self._bytes_moved

    def ingest(self, text: str | Path) -> None:
        """Take in a text, or a file of UTF-8 text, in place of the one before.

        Raises:
            ValueError: If it holds nothing but white space.
        """
        whole = text.read_text(encoding="utf-8") if isinstance(text, Path) else text
        if not whole.strip():
            raise ValueError("the text to take in is empty; give at least one sentence.")
        self.store.fill(whole, self._blocks(whole))

    def resume(self, folder: str | os.PathLike[str]) -> None:
        """Go on with a text taken in before; see :meth:`SegmentStore.load`."""
        self.store = SegmentStore.load(folder, fingerprint=self.larimar.fingerprint)

    def ask(self, needle_question: str, cue: str = "", *, max_new_tokens: int = 16) -> str:
        """Answer a question.

        Args:
            needle_question: The question.
            cue: Beginning of the sentence that answers it, which the answer continues; the question itself if absent.
            max_new_tokens: Longest answer.

        Raises:
            ValueError: If no text has been taken in.
        """
        if not self.store.count:
            raise ValueError("no text has been taken in; call `ingest` first.")
        beginning = cue or needle_question
        prompt = f"{needle_question}\n{cue}" if cue else needle_question
        self._bytes_moved, said = 0, ""
        for latent in self._latents(needle_question, beginning, max_new_tokens):
            tokens = int((latent[self.larimar.model.config.latent_size :].view(self._length, -1) != 0).any(-1).sum())
            room = min(tokens, max_new_tokens)
            said += continue_prompts(self.larimar, [prompt + said], latents=latent[None], max_new_tokens=room)[0]
            self._bytes_moved = max(self._bytes_moved, latent.numel() * latent.element_size())
        return said

    def passages(self, question: str, *, count: int | None = None) -> list[tuple[str, float]]:
        """The segments that a question finds, with cosines, best first."""
        query = self.larimar.encode([question], truncate=True)[0]
        found = self.store.nearest(query, count or self.top_k)
        return [(self.store.text(*self.store.span(number)), cosine) for number, cosine in found]

    @property
    def _length(self) -> int:
        return self.larimar.model.config.target_tokens

    def _blocks(self, text: str) -> Iterator[tuple[Float[Tensor, "segments width"], list[tuple[int, int]]]]:
        batch: list[Segment] = []
        pieces = segment(text, self.larimar.encoder_tokenizer, max_tokens=self.segment_tokens)
        for piece in tqdm(pieces, desc="reading", unit="segment", disable=not self.progress):
            batch.append(piece)
            if len(batch) == ENCODE_BATCH:
                yield self._encoded(batch)
                batch = []
        if batch:
            yield self._encoded(batch)

    def _encoded(self, batch: list[Segment]) -> tuple[Float[Tensor, "segments width"], list[tuple[int, int]]]:
        dtype = self.larimar.model.decoder.dtype
        # Passages are told apart by far more than the rounding of the decoder's format.
        with torch.autocast(self.larimar.device.type, dtype=dtype, enabled=dtype != torch.float32):
            keys = self.larimar.encode([piece.text for piece in batch], truncate=True, batch_size=64)
        return keys, [(piece.start_char, piece.end_char) for piece in batch]

    def _latents(self, question: str, beginning: str, max_new_tokens: int) -> Iterator[Float[Tensor, " value"]]:
        """What the second memory reads for the beginning of the answer: the sentence's next tokens, then those after
        them, a latent at a time.
        """
        query = self.larimar.encode([f"{question} {beginning}", beginning], truncate=True)
        places = [
            place
            for number, _ in self.store.nearest(query[0], self.top_k)
            for place in _places(self.store.text(*self.store.span(number)), len(beginning.split()))
        ]
        if not places:
            return
        keys = self.larimar.encode([before for before, _ in places], truncate=True)
        best = int((keys @ query[1]).argmax())
        following = self.larimar.tokenizer(f" {places[best][1]}", add_special_tokens=False)["input_ids"]
        step = self._length - 1  # as in training, where the last one is a full stop or empty
        for start in range(0, min(len(following), max_new_tokens), step):
            chunk = torch.tensor(following[start : start + step])
            yield self.larimar.model.value(keys[best : best + 1].to(self.larimar.device), self._padded(chunk))[0].cpu()

    def _padded(self, chunk: Int[Tensor, " tokens"]) -> Int[Tensor, "one target"]:
        row = torch.full((1, self._length), -1)
        row[0, : len(chunk)] = chunk
        return row.to(self.larimar.device)


def _places(text: str, num_words: int) -> list[tuple[str, str]]:
    """Every place between two words of a sentence: (so many words of the sentence before it, all that follow).

    A line's end within a sentence counts as a space: books are often hard-wrapped.
    """
    found = []
    for start, end in sentence_spans(text):
        words = text[start:end].split()
        found += [(" ".join(words[max(0, n - num_words) : n]), " ".join(words[n:])) for n in range(1, len(words))]
    return found
