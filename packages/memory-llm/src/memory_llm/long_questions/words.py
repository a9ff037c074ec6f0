"""Words of answers, as metrics compare them: in lower case, without punctuation, and Chinese by characters."""

import re
import unicodedata

_ARTICLES = re.compile(r"\b(a|an|the)\b")
# Ideographs, kana and hangul: scripts that put no space between words, or may not.
_UNSPACED = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af])")

# Pronouns, prepositions, conjunctions and auxiliaries: no answer is recognised by them.
FUNCTION_WORDS = frozenset((
    "about", "and", "are", "as", "at", "be", "because", "been", "being", "but", "by", "did", "do", "does", "for", "from",
    "had", "has", "have", "he", "her", "hers", "him", "his", "in", "is", "it", "its", "not", "of", "on", "or", "she",
    "that", "their", "them", "these", "they", "this", "those", "to", "was", "were", "what", "when", "where", "which",
    "who", "whom", "whose", "will", "with", "would",
))  # fmt: skip
CHINESE_FUNCTION_WORDS = frozenset("的和是在了与或等为有于不也以由将而从到但并对")


def plain_words(text: str) -> list[str]:
    """Words of a text in lower case and without punctuation; every Chinese, Japanese or Korean character is a word.

    The releases of LongBench and LV-Eval cut Chinese into words by a segmenter, which gives other counts.
    """
    return _UNSPACED.sub(r" \1 ", _unpunctuated(text)).split()


def answer_words(text: str) -> list[str]:
    """:func:`plain_words` without English articles.

    Source: Rajpurkar et al. 2016 (SQuAD). Differs: punctuation is that of Unicode.
    """
    return plain_words(_ARTICLES.sub(" ", _unpunctuated(text)))


def is_unspaced(text: str) -> bool:
    """Whether most of a text's letters are of a script without spaces."""
    letters = [one for one in text if one.isalpha()]
    return sum(bool(_UNSPACED.match(one)) for one in letters) * 2 > len(letters)


def _unpunctuated(text: str) -> str:
    return "".join(one for one in text.lower() if not unicodedata.category(one).startswith(("P", "S")))
