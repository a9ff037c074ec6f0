"""One conversation with its id, and what tells one set of them from another."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class Message(NamedTuple):
    """Who speaks ("system", "user", "assistant" ...) and what."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A conversation that ends with the assistant's response.

    Attributes:
        id: Unique in its set; scores are joined to rows by it, whatever was dropped, shuffled or cut before.
        messages: The conversation.
        place: Where it was read, for messages of errors.
        is_safe: A label of the response, where the data has one.
        rejected: The conversation that was not chosen, where the data are preferences.
        weight: Of the row's loss in weighted training.

    Raises:
        ValueError: If a conversation has no prompt or no response, or half a character.
    """

    id: str
    messages: tuple[Message, ...]
    place: str = "a row"
    is_safe: bool | None = None
    rejected: tuple[Message, ...] | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse conversations of which nothing could be learnt."""
        for messages in (self.messages, self.rejected):
            if messages is not None:
                _check_conversation(messages, self.place)

    def as_record(self) -> dict[str, Any]:
        """The row as a file of rows has it, with ``messages``."""
        record: dict[str, Any] = {"id": self.id, "messages": [message._asdict() for message in self.messages]}
        if self.is_safe is not None:
            record["is_safe"] = self.is_safe
        if self.weight != 1.0:
            record["weight"] = self.weight
        return record


def check_ids(rows: Iterable[Row]) -> None:
    """Refuse rows of which two have one id.

    Raises:
        ValueError: With the places of both.
    """
    place_of: dict[str, str] = {}
    for row in rows:
        if row.id in place_of:
            raise ValueError(
                f"{row.place}: has the id of {place_of[row.id]}; ids must be unique, so change one, or delete what comes "
                "twice."
            )
        place_of[row.id] = row.place


def content_hash(messages: tuple[Message, ...], rejected: tuple[Message, ...] | None = None) -> str:
    """Sixteen hex digits of sha256 over all that is said."""
    said = json.dumps([messages, rejected], ensure_ascii=False).encode(errors="surrogatepass")
    return hashlib.sha256(said).hexdigest()[:16]


def rows_fingerprint(rows: Iterable[Row]) -> str:
    """Sixteen hex digits over ids and texts; the order of rows does not count."""
    lines = sorted(f"{row.id}\t{content_hash(row.messages, row.rejected)}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _check_conversation(messages: tuple[Message, ...], place: str) -> None:
    if not messages or messages[-1].role != "assistant":
        raise ValueError(f"{place}: the last message must be the assistant's, whose response is what is learnt.")
    if not messages[-1].content.strip():
        raise ValueError(f"{place}: the response is empty; fill or delete the row.")
    if len(messages) == 1:
        raise ValueError(f"{place}: there is a response but no prompt; give one or delete the row.")
    for number, message in enumerate(messages, 1):
        if _HALF_CHARACTER.search(message.content):
            raise ValueError(f"{place}: message {number} has half of a surrogate pair, which is no character; mend it.")
