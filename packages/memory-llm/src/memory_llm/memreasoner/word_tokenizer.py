"""A tokenizer of whole words, for models trained from scratch."""

from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}


def word_tokenizer(texts: Iterable[str], *, least: int = 1) -> PreTrainedTokenizerFast:
    """A tokenizer whose vocabulary is the words, numbers and marks of some texts, in lower case.

    Args:
        texts: To collect words of; a word of no text is unknown ever after.
        least: Times that a word must occur to be known.
    """
    split = pre_tokenizers.Whitespace()
    lower = normalizers.Lowercase()
    counts = Counter(word for text in texts for word, _ in split.pre_tokenize_str(lower.normalize_str(text)))
    known = sorted(word for word, count in counts.items() if count >= least)
    vocabulary = {word: number for number, word in enumerate([*SPECIAL.values(), *known])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = lower, split
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
