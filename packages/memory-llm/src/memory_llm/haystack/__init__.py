"""Needles in haystacks: facts hidden in long texts, readers that are asked for them, and recall by length and depth.

Lengths are tokens of the tokenizer that cut the text, needle included; depths run from 0 (first) to 1 (last); seeds are
whole numbers and decide everything random.
"""

from memory_llm.haystack.baseline_readers import FullContextReader, RAGReader
from memory_llm.haystack.books import read_book, read_books
from memory_llm.haystack.bundled_books import bundled_book
from memory_llm.haystack.grid import LongReader, run_grid
from memory_llm.haystack.grid_result import Answer, Cell, GridResult, Timing
from memory_llm.haystack.haystack_files import read_haystacks, write_haystacks
from memory_llm.haystack.indexed_book import IndexedBook
from memory_llm.haystack.insertion import Haystack, make_grid, make_haystack
from memory_llm.haystack.needles import Needle, needle, passkey
from memory_llm.haystack.picture import grid_fragment
from memory_llm.haystack.scoring import is_correct
from memory_llm.haystack.segments import Segment, segment

__all__ = [
    "Answer",
    "Cell",
    "FullContextReader",
    "GridResult",
    "Haystack",
    "IndexedBook",
    "LongReader",
    "Needle",
    "RAGReader",
    "Segment",
    "Timing",
    "bundled_book",
    "grid_fragment",
    "is_correct",
    "make_grid",
    "make_haystack",
    "needle",
    "passkey",
    "read_book",
    "read_books",
    "read_haystacks",
    "run_grid",
    "segment",
    "write_haystacks",
]
