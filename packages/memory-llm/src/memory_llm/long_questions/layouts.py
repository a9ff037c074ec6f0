"""How published benchmarks of long texts spell a question: one function from a record to questions for each layout.

What was read of the benchmarks' own repositories and data cards is said at each function, and what was not.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from gpu_commons.table_rows import Row
from memory_llm.facts.records import texts_of
from memory_llm.haystack.haystack_files import haystack_of
from memory_llm.long_questions.origin import Origin
from memory_llm.long_questions.question import LongQuestion, level_of
from memory_llm.long_questions.tasks import asked

_CHOICES = "ABCD"


def lv_eval(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """LV-Eval, with FactRecall: ``input``, ``context``, ``answers``, ``length``, for some tasks ``answer_keywords``.

    The level is that of the file's or the data set's name (``factrecall_en_16k``). Only the first answer counts, as in
    the released evaluation.

    Source: Yuan et al. 2024 (LV-Eval); columns and names by its repository.
    """
    name = str(record.values.get("dataset") or origin.name)
    level = Origin.level_in(name) or origin.level
    task = Origin.task_in(name)
    length = _length(record, record.text("context"))
    yield LongQuestion(
        id=f"{task}-{level or level_of(length)}-{record.number}",
        context=record.text("context"),
        question=asked(task, record.values.get("input") or "", record.place),
        answers=_answers(record, "answers")[:1],
        task=task,
        length=length,
        level=level or level_of(length),
        answer_keywords=" ".join(_texts(record, "answer_keywords")),
    )


def longbench(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """LongBench and LongBench-E: as LV-Eval, with ``all_classes`` and ``_id``.

    Levels are those of LongBench-E, by ``length``: below 4,000, below 8,000, and the rest.

    Source: Bai et al. 2024 (LongBench); columns by its repository.
    """
    task = Origin.task_in(str(record.values.get("dataset") or origin.name))
    length = _length(record, record.text("context"))
    yield LongQuestion(
        id=str(record.values.get("_id") or f"{task}-{record.number}"),
        context=record.text("context"),
        question=asked(task, record.values.get("input") or "", record.place),
        answers=_answers(record, "answers"),
        task=task,
        length=length,
        level="0-4k" if length < 4000 else "4-8k" if length < 8000 else "8k+",
        classes=_texts(record, "all_classes"),
    )


def longbench_v2(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """LongBench v2: a question with ``choice_A`` to ``choice_D``, and the letter of the right one.

    Source: Bai et al. 2024 (LongBench v2); columns by its repository. Levels are its short, medium and long.
    """
    context, letter = record.text("context"), record.text("answer").strip()
    if letter not in _CHOICES:
        raise ValueError(f"{record.place}: `answer` must be one of A, B, C and D, got {letter!r}.")
    choices = "\n".join(f"({each}) {record.text(f'choice_{each}').strip()}" for each in _CHOICES)
    yield LongQuestion(
        id=str(record.values.get("_id") or f"longbench_v2-{record.number}"),
        context=context,
        question=f"{record.text('question').strip()}\n{choices}",
        answers=(letter,),
        task="longbench_v2",
        length=len(context.split()),
        level=str(record.field("length")),
        cue="The correct answer is (",
    )


def loogle(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """LooGLE, a document a row with ``qa_pairs``, or a question a row with ``context``, ``question`` and ``answer``.

    ``qa_pairs`` is a list of objects with Q and A, or such a list as text; "none" stands before a summary in
    ``output``. The task is in the name of the file or its folder. Cloze tests, whose answers are names for several
    gaps, are refused.

    Source: Li et al. 2024 (LooGLE); the older layout by its repository, the newer one by the columns that programs of
    others read of it: its further columns were not seen, and are not needed.
    """
    context = record.text("input" if "input" in record.values else "context")
    length = len(context.split())
    for number, (question, answer) in enumerate(_loogle_pairs(record)):
        if not isinstance(answer, str) or not answer.strip():
            raise ValueError(
                f"{record.place}: the answer to question {number} is not a text (a {type(answer).__name__}); cloze "
                "tests are not judged here, so use the files of questions."
            )
        yield LongQuestion(
            id=f"{origin.task}-{record.number}-{number}",
            context=context,
            question=asked(origin.task, question, record.place),
            answers=(answer.strip(),),
            task=origin.task,
            length=length,
            level=level_of(length),
        )


def ruler(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """RULER, as its scripts write it: ``input`` with the question in its last line, ``outputs``, ``length`` in tokens.

    ``answer_prefix`` becomes the cue where it is given; older files have it at the end of ``input``. The task is the
    name of the folder (``niah_multikey_1/validation.jsonl``).

    Source: Hsieh et al. 2024 (RULER); columns by its scripts.
    """
    context, line_end, question = record.text("input").rstrip().rpartition("\n")
    if not line_end or not context.strip():
        raise ValueError(
            f"{record.place}: `input` is a single line, so that text and question cannot be told apart; make the file "
            "without `--remove_newline_tab`."
        )
    length = _length(record, context)
    yield LongQuestion(
        id=f"{origin.task}-{level_of(length)}-{record.number}",
        context=context,
        question=question.strip().removeprefix("Question:").strip(),
        answers=_answers(record, "outputs"),
        task=origin.task,
        length=length,
        level=level_of(length),
        cue=str(record.values.get("answer_prefix") or "").strip().removeprefix("Answer:").strip(),
    )


def haystack(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """Our own haystacks, as ``memory-llm haystack make`` writes them."""
    made = haystack_of(record)
    yield LongQuestion(
        id=f"needle-{record.number}",
        context=made.text,
        question=made.needle.question,
        answers=(made.needle.answer,),
        task="needle",
        length=made.num_tokens,
        level=level_of(made.num_tokens),
        cue=made.needle.cue,
    )


def rows(record: Row, origin: Origin) -> Iterator[LongQuestion]:
    """Our own rows: ``context``, ``question`` and ``answers`` (or ``answer``); other fields of :class:`LongQuestion` by
    name if wanted, and ``answer_prefix`` for its cue, as in copies of RULER on the hub.
    """
    context = record.text("context")
    length = _length(record, context)
    task = str(record.values.get("task") or origin.task)
    yield LongQuestion(
        id=str(record.values.get("id") or f"{task}-{record.number}"),
        context=context,
        question=record.text("question").strip(),
        answers=_answers(record, "answers" if "answers" in record.values else "answer"),
        task=task,
        length=length,
        level=str(record.values.get("level") or origin.level or level_of(length)),
        cue=str(record.values.get("cue") or record.values.get("answer_prefix") or "").strip(),
        answer_keywords=" ".join(_texts(record, "answer_keywords")),
        classes=_texts(record, "classes"),
    )


Layout = Callable[[Row, Origin], Iterator[LongQuestion]]
LAYOUTS: dict[str, Layout] = {
    "lv-eval": lv_eval,
    "longbench": longbench,
    "longbench-v2": longbench_v2,
    "loogle": loogle,
    "ruler": ruler,
    "haystack": haystack,
    "rows": rows,
}
_COLUMNS = (
    ("haystack", {"needle", "text"}),
    ("longbench-v2", {"context", "question", "choice_A"}),
    ("loogle", {"qa_pairs"}),
    ("ruler", {"input", "outputs"}),
    ("longbench", {"input", "context", "answers", "all_classes"}),
    ("lv-eval", {"input", "context", "answers"}),
    ("loogle", {"context", "question", "answer", "title"}),
    ("rows", {"context", "question"}),
)


def layout_of(record: Row) -> str | None:
    """Name of the layout that a record's columns show; None if they show none."""
    return next((name for name, needed in _COLUMNS if needed <= set(record.values)), None)


def known_layouts() -> str:
    """The layouts and the columns that tell them, for messages."""
    return "; ".join(f"{name} ({', '.join(sorted(needed))})" for name, needed in _COLUMNS)


def _loogle_pairs(record: Row) -> list[tuple[str, Any]]:
    if "qa_pairs" not in record.values:
        return [(record.text("question"), record.field("answer"))]
    pairs = record.field("qa_pairs")
    if isinstance(pairs, str):
        if pairs.strip().lower() == "none":
            return [("", record.field("output"))]
        pairs = _parsed(record, pairs)
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) and {"Q", "A"} <= set(pair) for pair in pairs):
        raise ValueError(f"{record.place}: `qa_pairs` must be a list of objects with Q and A, or 'none'.")
    return [(str(pair["Q"]), pair["A"]) for pair in pairs]


def _parsed(record: Row, pairs: str) -> Any:
    try:
        return ast.literal_eval(pairs)  # as the data are: Python's spelling, not JSON
    except (ValueError, SyntaxError) as error:
        raise ValueError(
            f"{record.place}: `qa_pairs` is a text that is not a list ({error}); download the file anew."
        ) from None


def _length(record: Row, context: str) -> int:
    length = record.values.get("length")
    if length is None:
        return len(context.split())
    try:
        return int(length)
    except (TypeError, ValueError):
        raise ValueError(f"{record.place}: `length` must be a whole number, got {length!r}.") from None


def _answers(record: Row, column: str) -> tuple[str, ...]:
    found = _texts(record, column)
    if not found:
        raise ValueError(f"{record.place}: `{column}` holds no answer; every question needs one.")
    return found


def _texts(record: Row, column: str) -> tuple[str, ...]:
    return texts_of(record, record.values.get(column), column)
