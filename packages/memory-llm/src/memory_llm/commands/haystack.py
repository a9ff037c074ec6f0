"""``memory-llm haystack``: make long texts with needles in them, and ask a reader for them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpu_commons.cli import show
from memory_llm.commands.load_tokenizer import load_tokenizer

if TYPE_CHECKING:
    from memory_llm.haystack import LongReader
    from memory_llm.larimar.pipeline import Larimar

Reader = Literal["larimar", "full-context", "retrieval"]


def make(
    out: str,
    book: str | None = None,
    lengths: list[int] = [4000, 32000],  # noqa: B006 - read only
    depths: list[float] = [0.0, 0.25, 0.5, 0.75, 1.0],  # noqa: B006 - read only
    kind: Literal["passkey", "needle"] = "passkey",
    per_cell: int = 1,
    tokenizer: str = "bundled:smollm2-135m-instruct",
    seed: int = 0,
) -> None:
    """Hide needles in stretches of a book, at every length and depth.

    Args:
        out: JSONL file of haystacks.
        book: Text file, folder of them, kjv.jsonl, or unpacked r-cran-janeaustenr; Pride and Prejudice if absent.
        lengths: In tokens.
        depths: From 0 (first sentence) to 1 (last).
        kind: A five-digit pass key, or a made-up fact in a sentence.
        per_cell: Haystacks for each length and depth.
        tokenizer: Whose tokens are counted.
        seed: Of stretches and needles.
    """
    from memory_llm.haystack import bundled_book, make_grid, needle, passkey, read_book, write_haystacks

    text = read_book(book) if book else bundled_book()
    makers = {"passkey": passkey, "needle": needle}
    sizes: dict[str, Any] = {"lengths": lengths, "depths": depths, "per_cell": per_cell, "seed": seed}
    grid = make_grid(text, load_tokenizer(tokenizer), make_needle=makers[kind], **sizes)
    print(write_haystacks(grid, out))


def evaluate_reader(
    haystacks: str,
    out: str,
    reader: Reader = "larimar",
    connector: str = "bundled",
    max_new_tokens: int = 16,
    json: bool = False,
) -> None:
    """Ask a reader for the needles; a killed run goes on where it was.

    Args:
        haystacks: JSONL file of haystacks.
        out: Folder of the answers and of grid.html.
        reader: Larimar's memory, the decoder with the whole text in its window, or retrieval before the question.
        connector: Folder of a connector, or bundled.
        max_new_tokens: Longest answer.
        json: Cells as JSON on stdout.
    """
    from gpu_commons.page import Section, assemble_page, write_html
    from memory_llm.haystack import grid_fragment, read_haystacks, run_grid
    from memory_llm.larimar.pipeline import Larimar

    texts = list(read_haystacks(haystacks))
    larimar = Larimar.from_connector(connector)
    settings = {"models": larimar.fingerprint}
    result = run_grid(_reader(reader, larimar), texts, max_new_tokens=max_new_tokens, out=out, settings=settings)
    page = assemble_page("Recall by length and depth", [Section(reader, "", grid_fragment([result], include_js=True))])
    write_html(page, Path(out, "grid.html"))
    show([asdict(cell) for cell in result.cells], as_json=json)


def _reader(name: str, larimar: "Larimar") -> "LongReader":
    from gpu_commons import SentenceEncoder
    from memory_llm.haystack import FullContextReader, RAGReader
    from memory_llm.larimar.reader import LongContextReader

    decoder, tokenizer = larimar.model.decoder, larimar.tokenizer
    if name == "larimar":
        return LongContextReader(larimar)
    if name == "full-context":
        return FullContextReader(decoder, tokenizer)
    return RAGReader(decoder, tokenizer, SentenceEncoder(larimar.provenance["encoder"]))
