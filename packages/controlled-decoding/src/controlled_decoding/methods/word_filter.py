"""The oldest safeguard: a list of words that are not to be written."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor
from transformers import LogitsProcessor, NoBadWordsLogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.methods.logits_method import LogitsMethod
from gpu_commons.table_rows import read_lines


class WordFilter(LogitsMethod):
    """Exclude the tokens that would complete a listed word.

    Each word is excluded as given, in lower and upper case and with a capital, with and without a space before it, in
    the pieces that the tokenizer cuts it into (transformers' ``NoBadWordsLogitsProcessor``). So longer words that begin
    with those pieces are lost too, and a word written in other pieces passes; judge the outcome by the text, not by the
    filter. Costs no forward pass. The name is ``words``.

    Args:
        words: Words or phrases; blank ones are passed over.
        name: Of the method in tables.

    Raises:
        ValueError: If no word is left.
    """

    strength = 1.0

    def __init__(self, words: Iterable[str], *, name: str = "words"):
        self.words = sorted({stripped for word in words if (stripped := word.strip())})
        if not self.words:
            raise ValueError("`words` holds no word; a filter needs at least one.")
        self.name = name

    @classmethod
    def from_file(cls, path: str | Path, *, name: str = "words") -> "WordFilter":
        """Read one word a line, or, from a ``.csv`` file, the first column below the header.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file holds no word or is not UTF-8.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"no word list at {path.absolute()}")
        lines = read_lines(path)
        if path.suffix.lower() == ".csv":
            return cls((fields[0] for number, fields in enumerate(csv.reader(lines)) if number and fields), name=name)
        return cls(lines, name=name)

    def processor(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: Mapping[str, Tensor]
    ) -> LogitsProcessor:
        """The processor for one ``generate`` call.

        Raises:
            ValueError: If the tokenizer can write none of the words.
        """
        pieces = word_pieces(self.words, tokenizer)
        if not pieces:
            raise ValueError(
                f"the tokenizer knows none of the {len(self.words)} listed words; check the list's language and encoding."
            )
        return NoBadWordsLogitsProcessor(pieces, eos_token_id=model.generation_config.eos_token_id)


def word_pieces(words: Iterable[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of every spelling of the words, without those that hold an unknown token."""
    cased = {form for word in words for form in (word, word.lower(), word.upper(), word.capitalize())}
    spellings = sorted(cased | {" " + form for form in cased})
    encoded = tokenizer(spellings, add_special_tokens=False)["input_ids"]
    unknown = tokenizer.unk_token_id
    return [list(ids) for ids in sorted({tuple(ids) for ids in encoded}) if ids and unknown not in ids]
