"""The layouts in which conversations are published, told apart by their columns."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gpu_commons import table_rows
from safe_finetune.rows.row import Message

Conversation = tuple[Message, ...]
_SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_TURN = re.compile(r"\n\n(Human|Assistant):")


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns that must be there, and what makes a conversation of them (and the one rejected, if there is one)."""

    columns: tuple[str, ...]
    read: Callable[[table_rows.Row], tuple[Conversation, Conversation | None]]


def schema_of(row: table_rows.Row) -> Schema:
    """The first schema whose columns the row has, in the order of ``SCHEMAS``.

    Raises:
        ValueError: If there is none; the message lists the columns found.
    """
    for schema in SCHEMAS:
        if set(schema.columns) <= row.values.keys():
            return schema
    found = ", ".join(str(name) for name in row.values) or "none"
    known = "; ".join(" + ".join(schema.columns) for schema in SCHEMAS)
    raise ValueError(f"{row.place}: no known layout has the columns found ({found}); rows need one of: {known}.")


def read_is_safe(row: table_rows.Row) -> bool | None:
    """The label in column ``is_safe``; None where there is no such column.

    Raises:
        ValueError: If it is neither true nor false.
    """
    if "is_safe" not in row.values:
        return None
    text = str(row.values["is_safe"]).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError(f"{row.place}: `is_safe` must be true, false, 1 or 0.")
    return text in ("true", "1")


def read_weight(row: table_rows.Row) -> float:
    """The number in column ``weight``; 1 where there is no such column.

    Raises:
        ValueError: If it is not a number of at least 0.
    """
    try:
        weight = float(row.values.get("weight", 1.0))
    except (TypeError, ValueError):
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise ValueError(f"{row.place}: `weight` must be a finite number of at least 0.")
    return weight


def message_list_of(text: Any) -> list[Any] | None:
    """The messages that a text stands for, as JSON; None if it is any other text."""
    if not isinstance(text, str) or not text.lstrip().startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kinds = ({"role", "content"}, {"from", "value"})
    is_list = bool(value) and all(isinstance(one, dict) and any(kind <= one.keys() for kind in kinds) for one in value)
    return value if is_list else None


def _from_messages(row: table_rows.Row) -> tuple[Conversation, None]:
    return _message_list(row, row.values["messages"], "messages", ("role", "content")), None


def _from_conversations(row: table_rows.Row) -> tuple[Conversation, None]:
    return _message_list(row, row.values["conversations"], "conversations", ("from", "value")), None


def _from_preference(row: table_rows.Row) -> tuple[Conversation, Conversation]:
    chosen, rejected = (_preferred(row, column) for column in ("chosen", "rejected"))
    return chosen, rejected


def _preferred(row: table_rows.Row, column: str) -> Conversation:
    value = row.values[column]
    if isinstance(value, list):
        said = _message_list(row, value, column, ("role", "content"))
        asked = row.values.get("prompt")
        return (*_prompt_messages(row), *said) if asked and said[0].role == "assistant" else said
    if "prompt" in row.values:
        return (*_prompt_messages(row), Message("assistant", row.text(column)))
    return _turns(row, column)


def _from_prompt_completion(column: str) -> Callable[[table_rows.Row], tuple[Conversation, None]]:
    def read(row: table_rows.Row) -> tuple[Conversation, None]:
        value = row.values[column]
        if isinstance(value, list):
            answer = _message_list(row, value, column, ("role", "content"))
        else:
            answer = (Message("assistant", row.text(column)),)
        return (*_prompt_messages(row), *answer), None

    return read


def _from_instruction(row: table_rows.Row) -> tuple[Conversation, None]:
    asked = row.text("instruction")
    if isinstance(row.values.get("input"), str) and row.values["input"].strip():
        asked = f"{asked}\n\n{row.values['input']}"
    return (Message("user", asked), Message("assistant", row.text("output"))), None


def _from_question(row: table_rows.Row) -> tuple[Conversation, None]:
    system = row.values.get("system_prompt")
    first = (Message("system", system),) if isinstance(system, str) and system.strip() else ()
    return (*first, Message("user", row.text("question")), Message("assistant", row.text("response"))), None


def _prompt_messages(row: table_rows.Row) -> Conversation:
    if isinstance(row.values["prompt"], list):
        return _message_list(row, row.values["prompt"], "prompt", ("role", "content"))
    return (Message("user", row.text("prompt")),)


def _message_list(row: table_rows.Row, value: Any, column: str, keys: tuple[str, str]) -> Conversation:
    value = message_list_of(value) or value
    role, content = keys
    wanted = f"a list of objects with the texts {role!r} and {content!r}"
    if not isinstance(value, list) or not value:
        raise ValueError(f"{row.place}: column {column!r} must hold {wanted}.")
    messages = []
    for number, message in enumerate(value, 1):
        if not isinstance(message, Mapping) or not all(isinstance(message.get(key), str) for key in keys):
            raise ValueError(f"{row.place}: message {number} of column {column!r} is wrong; it must hold {wanted}.")
        speaker = str(message[role])
        if role == "from" and speaker not in _SPEAKERS:
            raise ValueError(
                f"{row.place}: message {number} of column {column!r} is from nobody known; "
                f"`from` must be one of {', '.join(_SPEAKERS)}."
            )
        messages.append(Message(_SPEAKERS.get(speaker, speaker), message[content]))
    return tuple(messages)


def _turns(row: table_rows.Row, column: str) -> Conversation:
    """A string of turns that begin with ``Human:`` and ``Assistant:`` after an empty line (Anthropic HH)."""
    before, *parts = _TURN.split("\n\n" + row.text(column).lstrip())
    if before.strip() or not parts:
        raise ValueError(
            f'{row.place}: column {column!r} must begin with "Human:" or "Assistant:", or there must be a prompt column.'
        )
    roles = {"Human": "user", "Assistant": "assistant"}
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(Message(roles[str(who)], str(said).strip()) for who, said in pairs)


SCHEMAS = (
    Schema(("chosen", "rejected"), _from_preference),
    Schema(("messages",), _from_messages),
    Schema(("conversations",), _from_conversations),
    Schema(("prompt", "completion"), _from_prompt_completion("completion")),
    Schema(("prompt", "response"), _from_prompt_completion("response")),
    Schema(("instruction", "output"), _from_instruction),
    Schema(("question", "response"), _from_question),
)
