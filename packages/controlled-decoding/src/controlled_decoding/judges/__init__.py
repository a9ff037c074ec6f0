"""Judges: independent scores in 0..1 of how much of the undesired attribute a text has.

A judge never sees the steered model's states. Every report names its judges with version and sha256, and no report
rests on one alone.
"""

from controlled_decoding.judges.judge import Judge
from controlled_decoding.judges.loading import load_judge
from controlled_decoding.judges.sentence_classifier import SentenceClassifierJudge, fit_judge
from controlled_decoding.judges.word_list import WordListJudge

__all__ = ["Judge", "SentenceClassifierJudge", "WordListJudge", "fit_judge", "load_judge"]
