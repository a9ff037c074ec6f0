"""The record of one steered text: what was tried at every token, and how steering moved it.

A trace holds the prompt and the generated text in clear, which may be offensive. Steps are counted from 0; margins and
log-odds are listed per attribute, in the order of ``Trace.attributes``.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.decoder import Step
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.steering import Steering
from controlled_decoding.tracing.token_text import added_texts
from controlled_decoding.tracing.traced_step import (
    TracedAttribute,
    TracedCandidate,
    TracedStep,
    chosen_place,
    traced_attribute,
    traced_step,
    tried_tokens,
)
from gpu_commons import decoder_of
from gpu_commons.write_aside import write_text_aside

FORMAT, FORMAT_VERSION = "controlled-decoding trace", 1


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One prompt, its continuation, and every step between.

    Attributes:
        method: Name of the method.
        model: Name of the model: hub id's or folder's last part.
        config: The sampler's settings.
        sampling: Those arguments of ``generate`` that are plain values.
        attributes: The subspaces.
        prompt: The prompt's text.
        continuation: The generated text.
        steps: One a token.
    """

    method: str
    model: str
    config: dict[str, Any]
    sampling: dict[str, Any]
    attributes: list[TracedAttribute]
    prompt: str
    continuation: str
    steps: list[TracedStep]

    @classmethod
    @torch.no_grad()
    def record(
        cls,
        sasa: SASA,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompt: str | Sequence[int],
        **generate_kwargs: Any,
    ) -> "Trace":
        """Generate one continuation and keep what happened.

        Args:
            sasa: The method; a strength of 0 traces plain decoding, with one candidate a step.
            model: The model it steers.
            tokenizer: Its tokenizer.
            prompt: Text, or token ids (of a rendered chat, say).
            generate_kwargs: Of transformers' `generate`; one sequence, no beams.

        Raises:
            ValueError: If the prompt has no token, or several sequences or beams are asked for.
        """
        _check_one_text(generate_kwargs)
        ids = tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else [int(token) for token in prompt]
        if not ids:
            raise ValueError(
                "the prompt is empty: there is no state to steer from; start it with the tokenizer's bos token."
            )
        inputs = torch.tensor([ids], device=model.device)
        steps: list[Step] = []
        sasa.generate(
            model,
            tokenizer,
            {"input_ids": inputs, "attention_mask": torch.ones_like(inputs)},
            observe=steps.append,
            **generate_kwargs,
        )
        tokens = [int(step.chosen[0]) for step in steps]
        margins = _text_margins(sasa.steering, model, steps, [*ids, *tokens])
        traced = []
        for index, step in enumerate(steps):
            texts = added_texts(tokenizer, [*ids, *tokens[:index]], tried_tokens(step))
            traced.append(
                traced_step(
                    sasa.steering, step, index=index, before=margins[index], after=margins[index + 1], texts=texts
                )
            )
        return cls(
            method=sasa.name,
            model=str(model.config.name_or_path or model.config.model_type).rstrip("/").split("/")[-1],
            config=sasa.steering.config.to_dict(),
            sampling={
                name: value for name, value in generate_kwargs.items() if isinstance(value, int | float | str | None)
            },
            attributes=[
                traced_attribute(*pair) for pair in zip(sasa.steering.subspaces, sasa.steering.weights, strict=True)
            ],
            prompt=prompt if isinstance(prompt, str) else tokenizer.decode(ids),
            continuation=tokenizer.decode(tokens, skip_special_tokens=True),
            steps=traced,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with ``steps`` last."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Trace":
        """Undo :meth:`to_dict`.

        Raises:
            TypeError: If a field is missing or unknown.
        """
        attributes = [TracedAttribute(**attribute) for attribute in values["attributes"]]
        return cls(**{**values, "attributes": attributes, "steps": [_step_from_dict(step) for step in values["steps"]]})

    def to_jsonl(self, path: str | os.PathLike[str]) -> Path:
        """Write a header line (everything but the steps) and one line a step.

        An older file is replaced when the new one is whole.
        """
        values = self.to_dict()
        steps = values.pop("steps")
        lines = [{"format": FORMAT, "format_version": FORMAT_VERSION, "num_steps": len(steps), **values}, *steps]
        return write_text_aside((json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines), path)

    @classmethod
    def from_jsonl(cls, path: str | os.PathLike[str]) -> "Trace":
        """Read what :meth:`to_jsonl` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not a trace, of another format version, or damaged; the message names the line.
        """
        source = Path(path)
        if not source.is_file():
            raise FileNotFoundError(f"no trace at {source.absolute()}; make one with `controlled-decoding trace`.")
        with source.open(encoding="utf-8") as file:
            lines = [_json_line(source, number, line) for number, line in enumerate(file, 1)]
        header, steps = (lines[0] if lines else {}), lines[1:]
        if header.pop("format", None) != FORMAT:
            raise ValueError(f"{source}, line 1: not the header of a trace; make one with `controlled-decoding trace`.")
        if (version := header.pop("format_version", None)) != FORMAT_VERSION:
            raise ValueError(
                f"{source}, line 1: format version {version}, this package reads {FORMAT_VERSION}; update controlled-decoding."
            )
        if len(steps) != (expected := header.pop("num_steps", None)):
            raise ValueError(
                f"{source}: holds {len(steps)} steps where its header says {expected}; the file is cut, record it again."
            )
        try:
            return cls.from_dict({**header, "steps": steps})
        except (TypeError, KeyError) as error:
            raise ValueError(
                f"{source}: not a readable trace ({type(error).__name__}: {error}); record it again."
            ) from error


def _check_one_text(generate_kwargs: dict[str, Any]) -> None:
    for name in ("num_beams", "num_return_sequences"):
        if generate_kwargs.get(name, 1) != 1:
            raise ValueError(
                f"`{name}` is {generate_kwargs[name]}, but a trace follows one text token by token; record one trace for each text."
            )


def _text_margins(steering: Steering, model: PreTrainedModel, steps: list[Step], tokens: list[int]) -> list[Tensor]:
    """Margins of the text before the first token and after each, shape ``[attributes]`` each."""
    if not steps:
        return []
    margins = [step.context_margins[0] for step in steps]
    if steps[-1].margins is not None:
        return [*margins, steps[-1].margins[0, :, chosen_place(steps[-1])]]
    # Nothing was decoded after the last token, so that no pass has read it.
    with steering.listen(model) as taps:
        decoder_of(model)(input_ids=torch.tensor([tokens], device=model.device), use_cache=False)
        return [*margins, taps.last_margins(1)[0]]


def _step_from_dict(values: dict[str, Any]) -> TracedStep:
    return TracedStep(**{**values, "candidates": [TracedCandidate(**candidate) for candidate in values["candidates"]]})


def _json_line(source: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{source}, line {number}: not JSON ({error.msg}); the file is damaged, record the trace again."
        ) from error
    if not isinstance(value, dict):
        raise ValueError(f"{source}, line {number}: not a JSON object; the file is damaged, record the trace again.")
    return value
