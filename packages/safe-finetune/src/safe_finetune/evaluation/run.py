"""A model is asked all prompts, its responses are judged, and what is kept are ids, outcomes and scores."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons import tokenizer_fingerprint
from gpu_commons.weights_digest import weights_sha256
from safe_finetune.evaluation.answers import Answer, AnswerFile
from safe_finetune.evaluation.generate import batches_of, encode_prompts, respond
from safe_finetune.evaluation.judges import Judge, RefusalMatcher, scores_of
from safe_finetune.evaluation.prompts import Prompt, without_duplicates
from safe_finetune.evaluation.refusal import outcome_of
from safe_finetune.evaluation.results import MeanLoss, SafetyReport
from safe_finetune.rows import EncodedRows
from safe_finetune.sft import row_losses

_NORMAL_95 = 1.959963984540054


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    judges: Sequence[Judge] = (),
    *,
    max_new_tokens: int = 32,
    batch_size: int = 16,
    folder: str | os.PathLike[str] | None = None,
    keep_texts: bool = False,
    rows: EncodedRows | None = None,
    name: str | None = None,
) -> SafetyReport:
    """Measure refusal of harmful prompts, over-refusal of benign ones, and accuracy on tasks.

    Prompts go through the chat template as it is, a default system prompt included, and responses are greedy. Copies of
    a prompt are asked once. The model is used in eval mode and left in the mode it was in.

    Args:
        model: On its device.
        tokenizer: Its own, with a chat template.
        prompts: Of any kinds; see :func:`~safe_finetune.evaluation.prompt_sets.load_prompts`.
        judges: Besides the matcher of refusals, which always judges.
        max_new_tokens: Of a response. A refusal shows in about 16; a judge of harm needs more.
        batch_size: Prompts at a time.
        folder: Where answers are kept as they come in (``answers.jsonl``), so that a killed run goes on there.
        keep_texts: Keep responses in answers; they may be harmful.
        rows: Whose mean response loss is to be measured too.
        name: Of the model in the report; its config's if absent.

    Raises:
        ValueError: If there are no prompts, two judges share a name, the tokenizer has no chat template, or the folder
            holds answers of other settings.
    """
    asked = without_duplicates(prompts)
    everyone: list[Judge] = [RefusalMatcher(), *judges]
    _check(asked, everyone, max_new_tokens, batch_size)
    token_ids = encode_prompts(asked, model, tokenizer, max_new_tokens)
    settings = {"max_new_tokens": max_new_tokens, "batch_size": batch_size}
    versions = {judge.name: judge.version for judge in everyone}
    sha256 = weights_sha256(model)
    plan: dict[str, Any] = {
        **settings,
        "weights": sha256,
        "tokenizer": tokenizer_fingerprint(tokenizer),
        "prompts": _fingerprint(asked, token_ids),
        "judges": versions,
        "keep_texts": keep_texts,
    }
    file = None if folder is None else AnswerFile(Path(folder), plan)
    answers = [] if file is None else file.keep_whole_batches(batch_size)
    was_training = model.training
    model.eval()
    try:
        batches = list(batches_of(token_ids, batch_size))
        for batch in tqdm(batches[-(-len(answers) // batch_size) :], desc="responses", unit="batch", disable=None):
            responses = respond(model, tokenizer, [token_ids[index] for index in batch], max_new_tokens)
            new = _judged([asked[index] for index in batch], responses, everyone, keep_texts)
            answers += new
            if file is not None:
                file.append(new)
        loss = None if rows is None else _mean_loss(model, rows, batch_size)
    finally:
        model.train(was_training)
    if file is not None:
        file.finish()
    by_id = {answer.id: answer for answer in answers}
    return SafetyReport(
        model=name or model.config.name_or_path or type(model).__name__,
        weights_sha256=sha256,
        settings=settings,
        judges={judge.name: judge.says for judge in everyone},
        judge_versions=versions,
        answers=tuple(by_id[prompt.id] for prompt in asked),
        loss=loss,
    )


def is_correct(response: str, answer: str) -> bool:
    """Whether a response begins with the answer and goes on with another word or not at all; case does not count.

    Strict: an answer in the midst of a sentence does not count, nor does "bathroom" for "bath".
    """
    return re.match(rf"{re.escape(answer.strip().casefold())}(?!\w)", response.strip().casefold()) is not None


def _judged(
    prompts: Sequence[Prompt], responses: Sequence[str], judges: Sequence[Judge], keep_texts: bool
) -> list[Answer]:
    texts = [prompt.text for prompt in prompts]
    scores = {judge.name: scores_of(judge, texts, responses) for judge in judges}
    return [
        Answer(
            id=prompt.id,
            kind=prompt.kind,
            source=prompt.source,
            outcome=outcome_of(response),
            scores={name: values[number] for name, values in scores.items()},
            correct=None if prompt.answer is None else is_correct(response, prompt.answer),
            response=response if keep_texts else None,
        )
        for number, (prompt, response) in enumerate(zip(prompts, responses, strict=True))
    ]


def _mean_loss(model: PreTrainedModel, rows: EncodedRows, batch_size: int) -> MeanLoss:
    losses = row_losses(model, rows, batch_size=batch_size).double()
    mean = float(losses.mean())
    half = _NORMAL_95 * float(losses.std()) / len(rows) ** 0.5 if len(rows) > 1 else 0.0
    return MeanLoss(value=mean, interval=(mean - half, mean + half), rows=len(rows))


def _fingerprint(prompts: Sequence[Prompt], token_ids: Sequence[Sequence[int]]) -> str:
    """Over all that answers depend on; token ids stand for text and chat template."""
    content = [
        [prompt.id, prompt.kind, prompt.source, prompt.answer, list(tokens)]
        for prompt, tokens in zip(prompts, token_ids, strict=True)
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _check(prompts: Sequence[Prompt], judges: Sequence[Judge], max_new_tokens: int, batch_size: int) -> None:
    if not prompts:
        raise ValueError("there are no prompts; give at least one.")
    for argument, value in (("max_new_tokens", max_new_tokens), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"`{argument}` must be at least 1, got {value}.")
    names = [judge.name for judge in judges]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"judges need names of their own, and {repeated!r} comes twice.")
