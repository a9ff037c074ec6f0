"""What a memory must be compared with: no edit, the fact in the prompt, a lookup of its string, and fine-tuning."""

from memory_llm.facts.baselines.base import NoEdit
from memory_llm.facts.baselines.fine_tune import FineTune
from memory_llm.facts.baselines.in_context import WORDINGS, InContext
from memory_llm.facts.baselines.lookup import Lookup
from memory_llm.facts.baselines.matrix_edit import EditCost
from memory_llm.facts.baselines.retrieval import FactIndex

__all__ = ["WORDINGS", "EditCost", "FactIndex", "FineTune", "InContext", "Lookup", "NoEdit"]
