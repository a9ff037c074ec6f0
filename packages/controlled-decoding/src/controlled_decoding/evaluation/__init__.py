"""Evaluation of decoding methods: samples, judges, fluency, cost, and intervals by paired bootstrap over prompts."""

from controlled_decoding.evaluation.evaluate import evaluate
from controlled_decoding.evaluation.pareto import pareto_html
from controlled_decoding.evaluation.report import Evaluation

__all__ = ["Evaluation", "evaluate", "pareto_html"]
