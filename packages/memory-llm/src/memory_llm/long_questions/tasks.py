"""The tasks of the benchmarks: what is asked, how long answers may be, and by what metrics they are judged."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What a benchmark does with the questions of one task.

    Attributes:
        metrics: Names in :data:`METRICS`; the first is the benchmark's own.
        max_new_tokens: Longest answer, as in the benchmark's release.
        question: How a question is put; ``{}`` stands for what the benchmark gives, which may be nothing.
        whole: Judge the whole answer and not its first line.
    """

    metrics: tuple[str, ...]
    max_new_tokens: int = 64
    question: str = "{}"
    whole: bool = False


_KEYWORD_F1 = Task(("keyword_f1", "f1"))
_FACT_RECALL = Task(("f1", "recall"), 16)
_SHORT_F1, _LONG_F1 = Task(("f1",), 32), Task(("f1",), 128)
_CLASSES = Task(("named_class",))
_CODE = Task(("line_similarity",), 64, "{}\nWhat is the next line of code?", whole=True)
_SUMMARY = Task(("rouge_l",), 512, "Write a summary of one page.{}", whole=True)
_CHINESE_SUMMARY = Task(("rouge_l",), 512, "请总结会议的内容。{}", whole=True)
_PARAGRAPH = Task(("right_numbers",), 32, "Which paragraph is this abstract from? Answer as in Paragraph 1. {}")
_CHINESE_PARAGRAPH = Task(("right_numbers",), 32, "这个摘要出自哪一段？请按“段落1”的格式回答。{}")
_COUNT = Task(("right_numbers",), 32, "How many different paragraphs are there, if duplicates count once?{}")

TASKS: dict[str, Task] = {
    # LV-Eval
    "factrecall_en": _FACT_RECALL,
    "factrecall_zh": _FACT_RECALL,
    "hotpotwikiqa_mixup": _KEYWORD_F1,
    "loogle_SD_mixup": _KEYWORD_F1,
    "loogle_CR_mixup": _KEYWORD_F1,
    "loogle_MIR_mixup": _KEYWORD_F1,
    "multifieldqa_en_mixup": _KEYWORD_F1,
    "multifieldqa_zh_mixup": _KEYWORD_F1,
    "cmrc_mixup": _KEYWORD_F1,
    "lic_mixup": _KEYWORD_F1,
    "dureader_mixup": Task(("rouge_l",)),
    # LongBench
    "narrativeqa": _LONG_F1,
    "qasper": _LONG_F1,
    "multifieldqa_en": Task(("f1",)),
    "multifieldqa_zh": Task(("f1",)),
    "hotpotqa": _SHORT_F1,
    "2wikimqa": _SHORT_F1,
    "musique": _SHORT_F1,
    "triviaqa": _SHORT_F1,
    "dureader": Task(("rouge_l",), 128),
    "gov_report": _SUMMARY,
    "multi_news": _SUMMARY,
    "qmsum": Task(("rouge_l",), 512, whole=True),
    "vcsum": _CHINESE_SUMMARY,
    "samsum": Task(("rouge_l",), 128),
    "trec": _CLASSES,
    "lsht": _CLASSES,
    "passage_retrieval_en": _PARAGRAPH,
    "passage_retrieval_zh": _CHINESE_PARAGRAPH,
    "passage_count": _COUNT,
    "lcc": _CODE,
    "repobench-p": _CODE,
    "longbench_v2": Task(("right_letter",), 16),
    # LooGLE, whose own judges are BLEU, ROUGE, METEOR, BERTScore and a language model
    "shortdep_qa": Task(("f1", "rouge_l")),
    "longdep_qa": Task(("f1", "rouge_l"), 128),
    "longdep_summarization": _SUMMARY,
    # RULER, and ours of its kinds
    "niah": Task(("all_strings",), 128),
    "vt": Task(("all_strings",), 30),
    "cwe": Task(("all_strings",), 120),
    "fwe": Task(("all_strings",), 50),
    "qa": Task(("any_string",), 32),
    "multi_key": Task(("all_strings",), 32),
    "multi_value": Task(("all_strings",), 64),
    "multi_query": Task(("all_strings",), 64),
    "common_words": Task(("all_strings",), 120),
    "frequent_words": Task(("all_strings",), 50),
    "needle": Task(("needle",), 16),
}
OTHER = Task(("f1", "recall"))
"""For tasks that are not known."""

_VARIANT = re.compile(r"_(single|multikey|multivalue|multiquery|\d+).*$")


def task_of(name: str) -> Task:
    """The task of a name; ``niah_multikey_2`` and ``qa_1`` are variants of niah and qa; else :data:`OTHER`."""
    return TASKS.get(name) or TASKS.get(_VARIANT.sub("", name), OTHER)


def asked(task: str, given: str, place: str) -> str:
    """The words of a question.

    Args:
        task: Name of the task.
        given: What the benchmark gives; it may be nothing where the task says it all.
        place: For messages.

    Raises:
        ValueError: If there is nothing to ask.
    """
    question = task_of(task).question.format(given.strip()).strip()
    if not question:
        raise ValueError(f"{place}: there is no question, and the task {task!r} does not say what is asked.")
    return question
