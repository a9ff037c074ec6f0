"""Errors as OpenAI's clients expect them: a status, and JSON with one sentence."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

KINDS = {404: "not_found_error", 429: "rate_limit_error"}
SHOWN_CHARACTERS = 40


class RefusalError(Exception):
    """A request that gets an error instead of an answer.

    Args:
        status: HTTP status.
        sentence: What is wrong and what is allowed.
        code: OpenAI's name of the error, if it has one.
    """

    def __init__(self, status: int, sentence: str, *, code: str | None = None):
        super().__init__(sentence)
        self.status, self.sentence, self.code = status, sentence, code


def error_body(status: int, sentence: str, *, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error layout."""
    kind = KINDS.get(status, "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error")
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}


def validation_sentence(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's errors as a sentence; long values (prompts) are not quoted."""
    error = errors[0]
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "json_invalid":
        return f"the body is not JSON: {error['ctx']['error']}."
    place = ".".join(str(part) for part in error["loc"] if part != "body") or "body"
    if error["type"] == "missing":
        return f"`{place}` is missing."
    value = error.get("input")
    shown = f", got {value!r}" if isinstance(value, str | int | float) and len(repr(value)) <= SHOWN_CHARACTERS else ""
    return f"`{place}` is not valid: {error['msg'][:1].lower()}{error['msg'][1:]}{shown}."
