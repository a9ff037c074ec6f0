"""Episodes made of plain text: sentences to go on with, and invented facts hidden in chunks."""

import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from memory_llm.epman.episode import Episode
from memory_llm.epman.retrievers import Retriever
from memory_llm.haystack import Needle, needle
from memory_llm.haystack.sentences import sentence_spans

MIN_WORDS_BEFORE, MAX_WORDS_AFTER = 5, 5
GO_ON = 'How does this sentence go on: "{}"?'


class EpisodeMaker:
    """Makes episodes from documents.

    Half of them ask how a sentence of the gold chunk goes on, the others for an invented fact that is put into it; then
    another chunk holds a fact of the same form about other names. Half of the distractors are the chunks that the
    retriever finds nearest to the question, the others are drawn at random.

    Args:
        documents: Texts.
        cut: A document to the texts of its chunks, as :meth:`ChunkReader.cut` does.
        retriever: Finds hard distractors.
        num_chunks: Of an episode.
        invented: Share of invented facts.
        hard: Share of distractors that are hard.
        make_needle: Invents facts.

    Raises:
        ValueError: If the documents have fewer chunks than an episode.

    Source: EpMAN 1.6 has its episodes written by a language model about paragraphs of an encyclopedia. Ours need
    neither: what they ask for stands in the text.
    """

    def __init__(
        self,
        documents: Sequence[str],
        cut: Callable[[str], list[str]],
        retriever: Retriever,
        *,
        num_chunks: int = 16,
        invented: float = 0.5,
        hard: float = 0.5,
        make_needle: Callable[[np.random.Generator], Needle] = needle,
    ):
        self.chunks = [chunk for document in documents for chunk in cut(document)]
        if len(self.chunks) < num_chunks:
            raise ValueError(
                f"the documents have {len(self.chunks)} chunks, but an episode needs {num_chunks}; give longer texts or "
                "make chunks smaller."
            )
        self.retriever, self.num_chunks, self.invented, self.hard = retriever, num_chunks, invented, hard
        self.make_needle = make_needle
        self._encoded: Float[Tensor, "chunks width"] = retriever.encode_chunks(self.chunks)
        self._sentences = [_continuable(chunk) for chunk in self.chunks]
        self._with_sentences = [row for row, sentences in enumerate(self._sentences) if sentences]

    def make(self, count: int, *, seed: int = 0) -> Iterator[Episode]:
        """So many episodes; episode i is the same whatever the count."""
        for number in range(count):
            yield self._episode(random.Random(f"{seed} {number}"))

    def _episode(self, rng: random.Random) -> Episode:
        if rng.random() < self.invented or not self._with_sentences:
            return self._invented(rng)
        gold = rng.choice(self._with_sentences)
        before, answer = _split(rng.choice(self._sentences[gold]), rng)
        question = GO_ON.format(before)
        return self._shuffled(question, answer, gold, self.chunks[gold], self._distractors(question, gold, rng), rng)

    def _invented(self, rng: random.Random) -> Episode:
        draws = np.random.default_rng(rng.randrange(2**32))
        asked, other = self.make_needle(draws), self.make_needle(draws)
        while other.cue == asked.cue:
            other = self.make_needle(draws)
        gold = rng.randrange(len(self.chunks))
        distractors = self._distractors(asked.question, gold, rng)
        confusing = rng.randrange(len(distractors))
        texts = {row: self.chunks[row] for row in distractors}
        texts[distractors[confusing]] = _with_sentence(texts[distractors[confusing]], other.sentence, rng)
        chunk = _with_sentence(self.chunks[gold], asked.sentence, rng)
        return self._shuffled(asked.question, asked.answer, gold, chunk, distractors, rng, texts)

    def _distractors(self, question: str, gold: int, rng: random.Random) -> list[int]:
        wanted = self.num_chunks - 1
        scores = self.retriever.scores([question], self.chunks, self._encoded)[0]
        nearest = [row for row in torch.argsort(scores, descending=True)[: wanted + 1].tolist() if row != gold]
        hard = nearest[: round(self.hard * wanted)]
        rest = [row for row in range(len(self.chunks)) if row != gold and row not in hard]
        return hard + rng.sample(rest, wanted - len(hard))

    def _shuffled(
        self,
        question: str,
        answer: str,
        gold: int,
        chunk: str,
        distractors: Sequence[int],
        rng: random.Random,
        texts: dict[int, str] | None = None,
    ) -> Episode:
        rows = [gold, *distractors]
        rng.shuffle(rows)
        known = {**(texts or {}), gold: chunk}
        return Episode(
            question=question,
            answer=answer,
            chunks=tuple(known.get(row, self.chunks[row]) for row in rows),
            gold=(rows.index(gold),),
        )


def _continuable(chunk: str) -> list[list[str]]:
    """Words of the sentences of a chunk that are long enough to be broken off; the first and last may be cut."""
    spans = sentence_spans(chunk)[1:-1]
    sentences = [chunk[start:end].split() for start, end in spans]
    return [words for words in sentences if len(words) > MIN_WORDS_BEFORE]


def _split(words: Sequence[str], rng: random.Random) -> tuple[str, str]:
    after = rng.randint(1, min(MAX_WORDS_AFTER, len(words) - MIN_WORDS_BEFORE))
    return " ".join(words[:-after]), " ".join(words[-after:])


def _with_sentence(chunk: str, sentence: str, rng: random.Random) -> str:
    """The chunk with a sentence put between two of its own."""
    places = [end for _, end in sentence_spans(chunk)] or [len(chunk)]
    place = rng.choice(places)
    return f"{chunk[:place]} {sentence}{chunk[place:]}"
