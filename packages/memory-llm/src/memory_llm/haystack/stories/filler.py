"""Sentences of books that hide a story's lines, some for training and others for tests."""

import re
from dataclasses import dataclass

from memory_llm.haystack.sentences import sentence_spans

# A sentence that does not end in a mark, or begins in lower case, would run into its neighbours in one text.
_WHOLE = re.compile(r"""(?![a-z]).*[.!?…]["'”’»)\]_*]*""")


@dataclass(frozen=True, kw_only=True)
class Filler:
    """Sentences for training and sentences for tests, in the order of their book.

    Raises:
        ValueError: If one of the two is empty, or they share a sentence.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.train or not self.test:
            raise ValueError(
                f"filler needs sentences for training and for tests, got {len(self.train)} and {len(self.test)}; give a "
                "longer text, or other bounds of words."
            )
        seen = set(map(_content, self.train))
        shared = [sentence for sentence in self.test if _content(sentence) in seen]
        if shared:
            raise ValueError(f"{shared[0][:60]!r} is a sentence of training and of tests; leave it out of one.")


def split_filler(text: str, *, least_words: int = 4, most_words: int = 14, test_share: float = 0.2) -> Filler:
    """The sentences of a text, the first ones for training, the last ones for tests.

    A sentence that stands in both parts, as "What do you mean?" does in many a book, is left out of the tests.

    Args:
        text: Of one book or several.
        least_words: Sentences of fewer words are left out.
        most_words: Sentences of more words are left out.
        test_share: Of the sentences, for tests; between 0 and 1.

    Raises:
        ValueError: If an argument is out of its range, or one of the parts is empty.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"`test_share` must lie between 0 and 1, got {test_share}; both parts need sentences.")
    sentences = filler_sentences(text, least_words=least_words, most_words=most_words)
    first_test = len(sentences) - round(test_share * len(sentences))
    train = sentences[:first_test]
    seen = set(map(_content, train))
    test = (sentence for sentence in sentences[first_test:] if _content(sentence) not in seen)
    return Filler(train=tuple(train), test=tuple(test))


def filler_sentences(text: str, *, least_words: int = 4, most_words: int = 14) -> list[str]:
    """Sentences of a text in order, each with single blanks between its words.

    Left out are those that are too short or too long, that end in no mark, as headings do, or begin in lower case:
    what is left can be joined by blanks and split again.
    """
    if not 1 <= least_words <= most_words:
        raise ValueError(f"`least_words` must lie between 1 and `most_words`, got {least_words} and {most_words}.")
    sentences = (" ".join(text[start:end].split()) for start, end in sentence_spans(text))
    return [
        sentence
        for sentence in sentences
        if least_words <= len(sentence.split()) <= most_words and _WHOLE.fullmatch(sentence)
    ]


def _content(sentence: str) -> str:
    """What makes two sentences the same: their words, whatever case and marks."""
    return " ".join(re.findall(r"\w+", sentence.casefold()))
