"""Where sentences begin and end: by rules, in one pass, with no model and no list to fetch."""

import re
from collections.abc import Iterator

# A mark that may end a sentence with the quotes that close behind it; marks that need no space; an empty line.
_BREAK = re.compile(r"""[.!?…]+["'”’»)\]_*]*(?=\s)|[。！？]+[”’」』）]*|\n[^\S\n]*\n""")
_VISIBLE = re.compile(r"\S")
_WORD = re.compile(r"\S+")
_LAST_WORD = re.compile(r"[^\W\d_]+$")
_LONGEST_ABBREVIATION = 8
_ABBREVIATIONS = frozenset((
    "mr", "mrs", "ms", "mme", "mlle", "messrs", "dr", "prof", "rev", "st", "hon", "sr", "jr", "capt", "col", "gen", "lieut",
    "lt", "viz", "vs",
))  # fmt: skip


def sentence_spans(text: str, *, longest: int | None = None) -> list[tuple[int, int]]:
    """Character spans (start, end) of the sentences, in order, without the white space around them.

    Every character outside the spans is white space. A sentence ends at ``.``, ``!``, ``?`` or ``…`` before white
    space unless a lower-case letter follows or the word before is a title or an initial, at an ideographic full stop,
    and at an empty line, so that headings stand alone. Single line ends count as spaces: books are often hard-wrapped.

    Args:
        text: To be split.
        longest: Most characters of a span. A sentence that is longer is cut before the word that would exceed it; a
            word that is longer by itself stays whole. No limit if None.

    Raises:
        ValueError: If ``longest`` is below 1.

    Source: own rules for English prose, linear in the length of the text; a wrong boundary costs a long or a short
    sentence and nothing else.
    """
    if longest is not None and longest < 1:
        raise ValueError(f"`longest` must be at least 1 character, got {longest}.")
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_sentence(text, match):
            end = match.start() if match[0][0] == "\n" else match.end()
            _append_visible(spans, text, start, end)
            start = end
    _append_visible(spans, text, start, len(text))
    return spans if longest is None else [part for span in spans for part in _short_parts(text, *span, longest)]


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    if match[0][0] in "\n。！？":
        return True
    following = _VISIBLE.search(text, match.end())
    if following is not None and following[0].islower():
        return False
    if match[0] != ".":
        return True
    word = _LAST_WORD.search(text[max(0, match.start() - _LONGEST_ABBREVIATION) : match.start()])
    if word is None:
        return True
    is_initial = len(word[0]) == 1 and word[0].isupper() and word[0] != "I"
    return not is_initial and word[0].lower() not in _ABBREVIATIONS


def _append_visible(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    first = _VISIBLE.search(text, start, end)
    if first is not None:
        spans.append((first.start(), start + len(text[start:end].rstrip())))


def _short_parts(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    if end - start <= longest:
        yield start, end
        return
    first = last = start
    for word in _WORD.finditer(text, start, end):
        if word.end() - first > longest and last > first:
            yield first, last
            first = word.start()
        last = word.end()
    yield first, last
