"""Scores of rows, and the rows they keep."""

from safe_finetune.selection.scores import SelectorScores

__all__ = ["SelectorScores"]
