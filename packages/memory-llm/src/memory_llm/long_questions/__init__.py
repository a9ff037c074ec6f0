"""Questions about long texts: published benchmarks read from files or the hub, questions of their kinds made offline,
readers that are asked them, and scores by task and length.

Scores run from 0 to 1; lengths are counted as the benchmark counts them: in words, in characters of Chinese, or in
tokens. Prompts are our own, so that scores are compared among readers here and not with a leaderboard.
"""

from memory_llm.long_questions.layouts import LAYOUTS
from memory_llm.long_questions.made.make import MADE_TASKS, make_questions
from memory_llm.long_questions.metrics import METRICS
from memory_llm.long_questions.question import LongQuestion, level_of, write_questions
from memory_llm.long_questions.reading import read_questions
from memory_llm.long_questions.result import BenchResult, LongAnswer, Score
from memory_llm.long_questions.run import run_questions
from memory_llm.long_questions.tasks import TASKS, Task, task_of

__all__ = [
    "LAYOUTS",
    "MADE_TASKS",
    "METRICS",
    "TASKS",
    "BenchResult",
    "LongAnswer",
    "LongQuestion",
    "Score",
    "Task",
    "level_of",
    "make_questions",
    "read_questions",
    "run_questions",
    "task_of",
    "write_questions",
]
