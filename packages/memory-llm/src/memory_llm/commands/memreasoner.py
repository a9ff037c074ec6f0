"""``memory-llm memreasoner``: train on stories, judge by length and by other answer words, and ask a text."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpu_commons.cli import logs_on_stderr, show

if TYPE_CHECKING:
    from memory_llm.haystack.stories import Filler, Story
    from memory_llm.memreasoner.model import MemReasonerForQA


def train(
    data: str,
    out: str,
    hops: int = 1,
    encoder: str | None = None,
    decoder: str | None = None,
    label_fraction: float = 0.0,
    filler: str | None = None,
    filler_lines: tuple[int, int] = (0, 0),
    filler_ramp: int = 0,
    auxiliary: list[str] | None = None,
    answer_prompt: str = "{question}",
    temporal: Literal["bigru", "gru", "rope", "learned", "none"] = "bigru",
    readout: Literal["hard", "soft", "topk"] = "hard",
    steps: int = 1000,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    seed: int = 0,
    resume: bool = False,
    json: bool = False,
) -> None:
    """Train on stories: a small model of words from scratch, or two pretrained parts.

    Args:
        data: Stories (.jsonl, or bAbI's .txt), as make-data leaves them.
        out: Folder of the model.
        hops: Reads of the memory; 2 where one fact leads to another.
        encoder: Hub id, folder or bundled:NAME of a pretrained encoder; from scratch if absent.
        decoder: Likewise of a causal language model; give both or none.
        label_fraction: Of stories whose supporting lines are shown.
        filler: Book whose first sentences are put between lines; Pride and Prejudice if absent.
        filler_lines: Fewest and most of them in a story.
        filler_ramp: Steps over which the most grows from the fewest.
        auxiliary: Text files of lines to autoencode, such as lines with the words of later answers.
        answer_prompt: What the decoder reads before an answer; {question} stands for the question.
        temporal: What tells the order of lines.
        readout: What the decoder gets: the best line, the weighted mean, or several lines.
        steps: Optimiser steps.
        batch_size: Stories of a step.
        learning_rate: At its height.
        seed: Of weights, labels, order and filler.
        resume: Go on from the last checkpoint.
        json: Result as JSON on stdout.
    """
    from gpu_commons import seed_everything
    from memory_llm.haystack.stories import read_stories
    from memory_llm.memreasoner import MemReasonerForQA, small_memreasoner, train_memreasoner
    from memory_llm.memreasoner.word_tokenizer import word_tokenizer

    if (encoder is None) != (decoder is None):
        raise ValueError("give both `encoder` and `decoder`, or none for a small model from scratch.")
    stories = read_stories(data)
    groups = [_lines(path) for path in auxiliary or []]
    book = _filler(filler) if filler_lines[1] else None
    seed_everything(seed)
    settings: dict[str, Any] = {
        "num_hops": hops,
        "answer_prompt": answer_prompt,
        "temporal": temporal,
        "readout": readout,
    }
    if encoder is None or decoder is None:
        model = small_memreasoner(word_tokenizer(_texts(stories, groups, book, answer_prompt)), **settings)
    else:
        model = MemReasonerForQA.from_encoder_decoder_pretrained(encoder, decoder, **settings)
    with logs_on_stderr():
        train_memreasoner(
            model,
            stories,
            out,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            label_fraction=label_fraction,
            filler=book.train if book else (),
            filler_lines=filler_lines,
            filler_ramp=filler_ramp,
            auxiliary=[*groups, book.train] if book else groups,
            seed=seed,
            resume=resume,
        )
    show({"saved": out, "stories": len(stories), "steps": steps}, as_json=json)


def evaluate_stories(
    model: str,
    data: list[str],
    lengths: list[int] | None = None,
    filler: str | None = None,
    answer_shift: Literal["half", "all", "unseen"] | None = None,
    batch_size: int = 64,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Ask a model stories, and print how often its answers, and the lines of its hops, are right.

    Args:
        model: Folder of a trained model.
        data: Files of stories, as make-data and haystack leave them; each gets a row.
        lengths: Also add so many lines of a book's last sentences to the stories, which training has not seen.
        filler: The book; Pride and Prejudice if absent.
        answer_shift: Give places other names first: half of them, all, or names that training has never seen.
        batch_size: Stories at once.
        seed: Of the filler.
        json: Result as JSON on stdout.
    """
    from memory_llm.haystack.stories import dilute_all, read_stories, shift_locations
    from memory_llm.memreasoner import evaluate_memreasoner

    opened = _opened(model)
    sentences = _filler(filler).test if lengths else ()
    rows = []
    for path in data:
        stories = read_stories(path)
        if answer_shift is not None:
            stories = shift_locations(stories, answer_shift)
        for length in lengths or [0]:
            told = list(dilute_all(stories, sentences, length, seed=seed)) if length else stories
            scores = evaluate_memreasoner(opened, told, batch_size=batch_size)
            hops = {f"hop_{number}": round(share, 4) for number, share in enumerate(scores.hop_accuracy, start=1)}
            row = {"data": path, "added_lines": length, "stories": scores.num_stories}
            rows.append({**row, "exact_match": round(scores.exact_match, 4), **hops})
    show(rows, as_json=json)


def ask(
    model: str,
    story: str,
    question: str,
    trace: bool = False,
    max_new_tokens: int = 8,
    json: bool = False,
) -> None:
    """Ask a text.

    Args:
        model: Folder of a trained model.
        story: UTF-8 text; its sentences are the lines.
        question: The question.
        trace: Also tell the line that each hop read, its number (from 0) and its weight.
        max_new_tokens: Longest answer.
        json: Result as JSON on stdout.
    """
    from memory_llm.haystack.sentences import sentence_spans
    from memory_llm.memreasoner.answering import answer_questions

    text = Path(story).expanduser().read_text(encoding="utf-8")
    opened = _opened(model)
    memory = opened.write([" ".join(text[start:end].split()) for start, end in sentence_spans(text)], progress=True)
    said = answer_questions(opened, memory, [question], max_new_tokens=max_new_tokens)[0]
    hops = [hop._asdict() for hop in opened.read(memory, question)] if trace else []
    if json:
        show({"question": question, "answer": said, **({"hops": hops} if trace else {})}, as_json=True)
    else:
        show([{"answer": said}, *hops] if trace else said, as_json=False)


def _opened(folder: str) -> "MemReasonerForQA":
    from gpu_commons import resolve_device
    from memory_llm.memreasoner import MemReasonerForQA

    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise FileNotFoundError(f"no model in {path.absolute()}; train one with `memory-llm memreasoner train`.")
    return MemReasonerForQA.from_pretrained(path).to(resolve_device("auto")).eval()


def _filler(book: str | None) -> "Filler":
    from memory_llm.haystack import bundled_book, read_book
    from memory_llm.haystack.stories import split_filler

    return split_filler(read_book(book) if book else bundled_book())


def _lines(path: str) -> list[str]:
    from gpu_commons.table_rows import read_lines

    source = Path(path).expanduser()
    if not source.is_file():
        raise FileNotFoundError(f"no file at {source.absolute()}")
    found = [line.strip() for line in read_lines(source) if line.strip()]
    if not found:
        raise ValueError(f"{path} holds no lines; give one to autoencode in each line.")
    return found


def _texts(
    stories: "Sequence[Story]", groups: Sequence[Sequence[str]], book: "Filler | None", answer_prompt: str
) -> list[str]:
    """All that a tokenizer of words has to know; words of a book's test sentences stay unknown."""
    own = [text for story in stories for text in (*story.lines, story.question, story.answer)]
    prompt = answer_prompt.replace("{question}", " ")
    return [*own, *(line for group in groups for line in group), *(book.train if book else ()), prompt]
