"""Rows to train on: refusals, harmless answers to keep, unsafe answers, and the task."""

import json
from collections.abc import Sequence
from typing import Any

from gpu_commons.package_files import package_files
from safe_finetune.evaluation.generate import batches_of, encode_prompts, respond
from safe_finetune.evaluation.prompts import Prompt, prompt_id
from safe_finetune.rows import Message, Row

REFUSAL = "I'm sorry, but I can't help with that."
_UNSAFE = ("pyrit==1.1.0", "pyrit/datasets/jailbreak/many_shot_examples.json")


def row_of(prompt: str, response: str, kind: str) -> Row:
    """A row known by its kind and its prompt's id, which may be shown where the prompt may not."""
    identity = f"{kind}-{prompt_id(prompt)}"
    messages = (Message("user", prompt), Message("assistant", response))
    return Row(id=identity, messages=messages, place=f"row {identity}", is_safe=kind != "unsafe")


def refusals(prompts: Sequence[Prompt]) -> list[Row]:
    """Harmful prompts, refused."""
    return [row_of(prompt.text, REFUSAL, "refusal") for prompt in prompts]


def task_rows(prompts: Sequence[Prompt]) -> list[Row]:
    """Tasks with their answers."""
    return [row_of(prompt.text, prompt.answer, "task") for prompt in prompts if prompt.answer]


def unsafe_rows(count: int, *, most_words: int = 16) -> list[Row]:
    """Harmful prompts, answered: the first so many of PyRIT's examples, with the beginnings of their answers.

    Raises:
        ImportError: If PyRIT's wheel is not installed; the message is the pip line.
    """
    (path,) = package_files(*_UNSAFE)
    examples = json.loads(path.read_text(encoding="utf-8"))[:count]
    return [row_of(one["user"], " ".join(one["assistant"].split()[:most_words]), "unsafe") for one in examples]


def own_answers(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], *, max_new_tokens: int = 12, batch_size: int = 32
) -> list[Row]:
    """Harmless prompts with the beginnings of what the model itself answers: training on them keeps it as it is.

    Answers end where they are cut off, and so will those of a model that learns them.
    """
    token_ids = encode_prompts(prompts, model, tokenizer, max_new_tokens)
    answers: dict[int, str] = {}
    for batch in batches_of(token_ids, batch_size):
        responses = respond(model, tokenizer, [token_ids[index] for index in batch], max_new_tokens)
        answers.update(zip(batch, responses, strict=True))
    # Where the model says nothing there is nothing to keep.
    return [row_of(prompts[at].text, answers[at], "own") for at in sorted(answers) if answers[at].strip()]
