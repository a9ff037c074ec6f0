"""Texts to a model and texts back: many lines encoded in blocks, many questions asked at once."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm import tqdm

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.hops import HopTrace
from memory_llm.memreasoner.memory import MemReasonerMemory
from memory_llm.memreasoner.processor import padded
from memory_llm.memreasoner.readout import Readout
from memory_llm.memreasoner.written import Written

if TYPE_CHECKING:
    from memory_llm.memreasoner.model import MemReasonerForQA


_END = re.compile(r"[.!?](?=\s|$)")


class Hop(NamedTuple):
    """The line that a hop reads most: its number (0-based), its text, its weight."""

    line: int
    text: str
    weight: float


class Answered(NamedTuple):
    """An answer, and the line (0-based) that each hop read most."""

    text: str
    lines: list[int]


@torch.no_grad()
def encode_texts(
    model: "MemReasonerForQA", texts: Sequence[str], *, batch_size: int = 256, progress: bool = False
) -> Float[Tensor, "texts latent"]:
    """Latents of lines or questions, in blocks of similar length; equal texts are encoded once."""
    unique = list(dict.fromkeys(texts))
    found = torch.empty(len(unique), model.config.latent_size, device=model.device, dtype=model.dtype)
    order = sorted(range(len(unique)), key=lambda row: len(unique[row]))
    bar = tqdm(desc="encoding", total=len(unique), unit="line", disable=not progress)
    with bar:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            tokens = model.tokens().encoder_tokens([unique[row] for row in rows])
            found[rows] = model.encode(tokens.ids.to(model.device), tokens.mask.to(model.device))
            bar.update(len(rows))
    if len(unique) == len(texts):
        return found
    place = {text: row for row, text in enumerate(unique)}
    return found[[place[text] for text in texts]]


class RememberedLatents:
    """Latents of texts that come again and again, such as the filler of haystacks, each encoded once.

    Args:
        model: Whose latents.
        most: Texts to remember; beyond them all are forgotten, and encoded again when they come.
    """

    def __init__(self, model: "MemReasonerForQA", *, most: int = 100_000):
        self.model, self.most = model, most
        self._places: dict[str, int] = {}
        self._latents = self._none()

    def __call__(self, texts: Sequence[str]) -> Float[Tensor, "texts latent"]:
        """As :func:`encode_texts`."""
        new = list(dict.fromkeys(text for text in texts if text not in self._places))
        if self._places and len(self._places) + len(new) > self.most:
            self._places, self._latents = {}, self._none()
            return self(texts)
        if new:
            self._places |= {text: len(self._latents) + row for row, text in enumerate(new)}
            self._latents = torch.cat([self._latents, encode_texts(self.model, new)])
        return self._latents[torch.tensor([self._places[text] for text in texts], device=self._latents.device)]

    def _none(self) -> Tensor:
        return torch.empty(0, self.model.config.latent_size, device=self.model.device, dtype=self.model.dtype)


@torch.no_grad()
def ask_memory(
    model: "MemReasonerForQA", memory: MemReasonerMemory, questions: Sequence[str]
) -> tuple[HopTrace, Readout]:
    """Hop through one memory for each question.

    Raises:
        ValueError: If another model wrote the memory, there is no question, or one is empty.
    """
    memory.check(model.fingerprint)
    _check(questions)
    query = encode_texts(model, questions)
    latents = memory.latents.to(query).expand(len(query), -1, -1)
    if memory.written is None:
        mask = torch.ones(latents.shape[:2], dtype=torch.bool, device=query.device)
        return model.hop(query, model.write_latents(latents, mask, query), latents)
    return model.hop(query, _for_each(memory.written, query), latents)


def best_lines(trace: HopTrace, memory: MemReasonerMemory) -> list[Hop]:
    """What each hop of the first row read most."""
    weights = trace.weights[0, : int(trace.hops_taken[0])]
    return [
        Hop(line, memory.lines[line], float(row[line]))
        for row, line in zip(weights, weights.argmax(-1).tolist(), strict=True)
    ]


def answer_questions(
    model: "MemReasonerForQA", memory: MemReasonerMemory, questions: Sequence[str], *, max_new_tokens: int = 8
) -> list[str]:
    """Answers to questions about one memory."""
    prompts = max(len(model.tokens().prompt_ids(question)) for question in questions)
    written = model.generate(query=list(questions), memory=memory, max_new_tokens=max_new_tokens)[:, prompts:]
    texts = model.tokens().tokenizer.batch_decode(written, skip_special_tokens=True)
    return [first_sentence(text) for text in texts]


def first_sentence(text: str) -> str:
    """A text up to the mark that ends its first sentence, without it.

    After a word that no training answer had, a decoder goes on as the line does that it knows the word from.
    """
    return _END.split(text.strip(), maxsplit=1)[0].strip()


@torch.no_grad()
def answer_stories(
    model: "MemReasonerForQA", stories: Sequence[Story], *, batch_size: int, max_new_tokens: int
) -> Iterator[Answered]:
    """Answers to stories, in their order; lines that several stories have are encoded once."""
    processor, encode = model.tokens(), RememberedLatents(model)
    for start in range(0, len(stories), batch_size):
        batch = stories[start : start + batch_size]
        questions = [story.question for story in batch]
        _check(questions)
        contexts, origins = zip(*(processor.pieces(story.lines) for story in batch), strict=True)
        flat = [line for context in contexts for line in context]
        encoded = encode(flat + questions)
        query = encoded[len(flat) :]
        rows = encoded[: len(flat)].split([len(context) for context in contexts])
        latents = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
        lengths = torch.tensor([len(context) for context in contexts], device=latents.device)
        mask = torch.arange(latents.shape[1], device=latents.device) < lengths[:, None]
        trace, readout = model.hop(query, model.write_latents(latents, mask, query), latents)
        ids, arguments = generation_inputs(model, questions, readout, {"max_new_tokens": max_new_tokens})
        written = model.generate(ids, **arguments)[:, ids.shape[1] :]
        texts = processor.tokenizer.batch_decode(written, skip_special_tokens=True)
        for text, row, origin in zip(texts, trace.weights.argmax(-1).tolist(), origins, strict=True):
            yield Answered(first_sentence(text), [origin[line] for line in row])


def generation_inputs(
    model: "MemReasonerForQA", questions: Sequence[str], readout: Readout, arguments: dict[str, Any]
) -> tuple[Int[Tensor, "batch tokens"], dict[str, Any]]:
    """Prompts, padded on the left, and the arguments of ``generate``; greedy unless these say otherwise."""
    processor = model.tokens()
    prompts = padded([processor.prompt_ids(question) for question in questions], 0, side="left")
    tokenizer = processor.tokenizer
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    defaults = {"do_sample": False, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": pad}
    given = {
        "latents": readout.latents,
        "latent_mask": readout.mask,
        "attention_mask": prompts.mask.to(model.device),
    }
    return prompts.ids.to(model.device), {**defaults, **arguments, **given}


def _check(questions: Sequence[str]) -> None:
    if not questions:
        raise ValueError("`questions` is empty; ask at least one.")
    for row, question in enumerate(questions):
        if not question.strip():
            raise ValueError(f"question {row} is empty; every question needs words.")


def _for_each(written: Written, query: Tensor) -> Written:
    """One memory seen by several queries, without a copy."""

    def rows(part: Tensor | None) -> Tensor | None:
        return None if part is None else part.to(query.device).expand(len(query), *part.shape[1:])

    ordered, mask = rows(written.ordered), rows(written.line_mask)
    assert ordered is not None
    assert mask is not None
    return Written(
        ordered=ordered.to(query.dtype), line_mask=mask, matrix=rows(written.matrix), inverse=rows(written.inverse)
    )
