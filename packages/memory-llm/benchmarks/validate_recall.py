"""Pass keys and needles hidden in the King James Bible, at four lengths and five depths, for three readers.

Larimar's reader with the connector of the package; the same decoder with the passages that this reader found in its
prompt (retrieval by the same encoder); and the decoder with as much of the text as its window holds, which beyond the
window is asked only once at each depth. Long haystacks are fewer. A killed run goes on from what lies in ``--work``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gpu_commons import Figure, write_record
from gpu_commons.page import Section, assemble_page, write_html
from memory_llm.haystack import (
    FullContextReader,
    GridResult,
    bundled_book,
    grid_fragment,
    make_grid,
    needle,
    passkey,
    read_book,
    run_grid,
)
from memory_llm.haystack.completion import complete, window_of
from memory_llm.haystack.indexed_book import IndexedBook
from memory_llm.haystack.wilson import wilson_rate
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.reader import LongContextReader

RESULTS = Path(__file__).parent / "results"
LENGTHS = {4_000: 4, 32_000: 4, 256_000: 2, 1_000_000: 1}  # haystacks for each depth
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
KINDS = {"passkey": passkey, "needle": needle}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--book", type=Path, help="a text, in place of the Bible")
    parser.add_argument("--connector", default="bundled")
    parser.add_argument("--longest", type=int, default=max(LENGTHS))
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "validate_recall")
    parser.add_argument("--seed", type=int, default=0)
    run, _ = parser.parse_known_args()
    if run.longest < min(LENGTHS):
        parser.error(
            f"--longest is {run.longest}, and the shortest haystack has {min(LENGTHS)} tokens; give that or more"
        )
    larimar = Larimar.from_connector(run.connector, dtype="bfloat16")
    book = IndexedBook(read_book(run.book) if run.book else bundled_book("king-james-bible"), larimar.tokenizer)
    lengths = {length: count for length, count in LENGTHS.items() if length <= run.longest}
    results = {kind: ask_all(larimar, book, kind, lengths, run.seed, run.work) for kind in KINDS}
    sections = [
        Section(kind, "", grid_fragment(found, include_js=kind == "passkey")) for kind, found in results.items()
    ]
    write_html(assemble_page("Recall by length and depth", sections), run.work / "grid.html")
    path = write_record(
        "validate_recall",
        results_dir=RESULTS,
        command="python benchmarks/validate_recall.py",
        config={
            "haystacks": {str(length): count * len(DEPTHS) for length, count in lengths.items()},
            "depths": DEPTHS,
            "book": run.book.name if run.book else "king-james-bible",
            "connector_provenance": larimar.provenance,
            "interval": "95 %, Wilson",
        },
        seeds=[run.seed],
        figures=[figure for kind, found in results.items() for result in found for figure in figures(kind, result)],
        shortened=run.longest < max(LENGTHS),
    )
    print(path.name, file=sys.stderr)


class PassagesInPrompt:
    """Retrieval: the passages that Larimar's reader found, before the question in the prompt.

    It asks the reader that has just taken in the same text, so that nothing is encoded twice.
    """

    name = "retrieval"

    def __init__(self, reader: LongContextReader):
        self.reader, self.bytes_moved = reader, 0

    def ingest(self, text: str) -> None:
        """The other reader has done so."""

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        """Complete the cue behind passages and question."""
        larimar = self.reader.larimar
        passages = "\n\n".join(text for text, _ in reversed(self.reader.passages(needle_question)))
        found = complete(
            larimar.model.decoder,
            larimar.tokenizer,
            f"{passages}\n\nQuestion: {needle_question}\nAnswer: {cue}",
            max_new_tokens=max_new_tokens,
            window=window_of(larimar.model.decoder),
        )
        self.bytes_moved = found.bytes_moved
        return found.text


def ask_all(
    larimar: Larimar, book: IndexedBook, kind: str, lengths: dict[int, int], seed: int, work: Path
) -> list[GridResult]:
    """Every reader's answers; a haystack is made, taken in and asked by all before the next one."""
    ours = LongContextReader(larimar, folder=work / "store")
    readers = [ours, PassagesInPrompt(ours), FullContextReader(larimar.model.decoder, larimar.tokenizer)]
    results = [GridResult(reader.name, [], []) for reader in readers]
    settings = {"models": larimar.fingerprint, "connector": larimar.provenance}
    window = window_of(larimar.model.decoder)
    for length, count in lengths.items():
        grid = make_grid(
            book, book.tokenizer, lengths=[length], depths=DEPTHS, per_cell=count, seed=seed, make_needle=KINDS[kind]
        )
        for number, haystack in enumerate(grid):
            fits = window is None or length < window or number % count == 0
            asked = readers if fits else readers[:-1]
            for reader, result in zip(asked, results, strict=False):
                out = work / kind / reader.name
                one = run_grid(reader, [haystack], out=out, settings=settings, progress=False)
                result.answers.extend(one.answers)
                result.timings.extend(one.timings)
        print(kind, length, *(f"{result.reader} {result.recall.value:.2f}" for result in results), file=sys.stderr)
    return results


def figures(kind: str, result: GridResult) -> list[Figure]:
    """Recall and bytes by length, and mean seconds of the longest."""
    found = []
    ours = result.reader == "larimar"
    by_length: dict[int, list[int]] = {}
    for row, answer in enumerate(result.answers):
        by_length.setdefault(answer.num_tokens, []).append(row)
    for length, rows in by_length.items():
        rate = wilson_rate(sum(result.answers[row].correct for row in rows), len(rows))
        found.append(
            Figure(
                id=f"{kind}, {length} tokens, {result.reader}",
                value=rate.value,
                interval=(rate.low, rate.high),
                unit="rate",
                better="higher",
                target=0.95 if ours and kind == "passkey" else None,
            )
        )
    moved = [answer.bytes_moved for answer in result.answers]
    found.append(
        Figure(
            id=f"{kind}, bytes moved, most over least, {result.reader}",
            value=max(moved) / min(moved),
            unit="ratio",
            better="lower",
            target=1.0 if ours else None,
        )
    )
    longest = by_length[max(by_length)]
    for part in ("ingest_s", "answer_s") if ours else ("answer_s",):  # the others do nothing before they are asked
        seconds = _mean([getattr(result.timings[row], part) for row in longest])
        name = f"{kind}, {max(by_length)} tokens, {'reading' if part == 'ingest_s' else 'answering'}, {result.reader}"
        found.append(Figure(id=name, value=seconds, unit="s", better="lower"))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
