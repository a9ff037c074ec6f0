"""A whole novel in Larimar's memory: questions about it, and pass keys hidden in it."""

from dataclasses import dataclass

from gpu_commons.page import Section, table_fragment
from memory_llm.haystack import FullContextReader, GridResult, grid_fragment, make_grid, run_grid
from memory_llm.haystack.completion import window_of
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.reader import LongContextReader

NOVEL_QUESTIONS = (
    ("How old is Lydia?", "Lydia was a stout, well-grown girl of"),
    ("How large is Mr. Bennet's estate?", "Mr. Bennet's property consisted almost entirely in an estate of"),
    ("What is said of a lady's imagination?", "A lady's imagination is very"),
    ("What is vanity, and what is pride?", "Pride relates more to"),
    ("What is Mr. Bingley's income?", "A single man of large fortune;"),
)
GRID_LENGTHS, GRID_DEPTHS = (2_000, 16_000, 64_000), (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class NovelAnswer:
    """A question, the beginning of its answer, how the decoder went on, and the segment found for the question."""

    question: str
    cue: str
    answer: str
    passage: str


def show_novel(larimar: Larimar, novel: str) -> tuple[list[Section], list[str], list[str]]:
    """Sections of the page, notes on the result, and lines for the terminal alone."""
    answers, grid = ask_novel(larimar, novel), hide_pass_keys(larimar, novel)
    sections = [
        Section(
            "A whole novel in memory",
            "Pride and Prejudice, read once, a key for each segment. The answer continues its cue.",
            table_fragment(
                ["question", "cue", "answer", "segment found for the question"],
                [[one.question, one.cue, one.answer, one.passage] for one in answers],
            ),
        ),
        Section(
            "Pass keys hidden in the novel",
            "Five digits, by length of the text and depth. The decoder's own window holds 8,192 tokens: longer texts "
            "are not asked of it.",
            grid_fragment(grid),
        ),
    ]
    notes = [
        f"Pass keys in the novel, {result.reader}: {result.recall.value:.0%} of {len(result.answers)}."
        for result in grid
    ]
    return sections, notes, [f"{one.question} {one.cue} > {one.answer}" for one in answers]


def ask_novel(larimar: Larimar, novel: str) -> list[NovelAnswer]:
    """Questions about the whole novel, one key a segment."""
    reader = LongContextReader(larimar, progress=True)
    reader.ingest(novel)
    found = []
    for question, cue in NOVEL_QUESTIONS:
        passage, _ = reader.passages(question, count=1)[0]
        answer = reader.ask(question, cue, max_new_tokens=24)
        found.append(NovelAnswer(question, cue, answer.strip(), " ".join(passage.split())))
    return found


def hide_pass_keys(larimar: Larimar, novel: str) -> list[GridResult]:
    """Pass keys in stretches of the novel, for the memory, and for the decoder where its window holds the text."""
    decoder, tokenizer = larimar.model.decoder, larimar.tokenizer
    haystacks = list(make_grid(novel, tokenizer, lengths=GRID_LENGTHS, depths=GRID_DEPTHS))
    window = window_of(decoder)
    short = [haystack for haystack in haystacks if window is None or haystack.num_tokens < window]
    return [
        run_grid(LongContextReader(larimar), haystacks),
        run_grid(FullContextReader(decoder, tokenizer), short),
    ]
