"""Wordings of games and strategies of asking, read from the package's own file."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from agent_tom.names import unknown


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How a game is told.

    Attributes:
        name: In the library.
        about: One line for those who choose.
        rules: What is read first; ``{horizon}``, ``{options}`` and ``{other_options}`` are filled in.
        payoff: A line for each joint move, with ``{own}``, ``{other}``, ``{points}`` and ``{other_points}``.
        round: A line for each round played, with ``{round}`` (from 1) too.
        labels: Names of actions in the place of the game's own; none to keep those.
    """

    name: str
    about: str
    rules: str
    payoff: str
    round: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Note:
    """What the model writes of past rounds, to be read in later ones.

    Attributes:
        ask: Leads up to the note; ``{round}`` is the last round played.
        tell: How it stands in later prompts, with ``{text}``.
        tokens: Budget of a note.
        every: Rounds after which one is written.
        keep: Latest notes that are told; 1 for a note that takes the last one's place.
        stop: What ends a note; the model may end it sooner.
    """

    ask: str
    tell: str
    tokens: int
    every: int = 1
    keep: int = 1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What is asked.

    Attributes:
        name: In the library.
        about: One line for those who choose.
        predict: Leads up to the partner's next move; ``{round}`` is filled in.
        act: Leads up to the own one; after thoughts it is the line that ends them.
        examples: What is read before the rules.
        told: What an oracle strategy says of the partner's next move, ``{other}``; empty for none.
        think: Leads up to thoughts that the model writes before it acts; empty for none. They are forgotten afterwards.
        tokens: Budget of the thoughts.
        stop: What ends them; the model may end them sooner.
        notes: What the model writes between rounds, each with those before it told.
        social: Whether the answer to ``predict`` stands in the prompt before ``act``.
        history: Whether past rounds are read when moves are asked for; notes are written from them in any case.
        payoffs: Whether payoffs are.
        end: What follows an answer, and belongs to it when it is scored.
    """

    name: str
    about: str
    predict: str
    act: str
    examples: str = ""
    told: str = ""
    think: str = ""
    tokens: int = 0
    stop: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    social: bool = False
    history: bool = True
    payoffs: bool = True
    end: str = "\n"


@dataclass(frozen=True, kw_only=True)
class PartnerList:
    """A text that holds the partner's moves alone.

    Attributes:
        begin: What is read first.
        predict: Leads up to each move.
        end: What follows each.
    """

    begin: str
    predict: str
    end: str


def wording(name: str) -> Wording:
    """A wording by name.

    Raises:
        ValueError: If there is none.
    """
    found = _library()["wordings"]
    if name not in found:
        raise unknown("wording", name, found)
    return Wording(name=name, **{**found[name], "labels": tuple(found[name]["labels"])})


def strategy(name: str) -> Strategy:
    """A strategy by name.

    Raises:
        ValueError: If there is none.
    """
    found = _library()["strategies"]
    if name not in found:
        raise unknown("strategy", name, found)
    fields = found[name]
    notes = tuple(_note(each) for each in fields.get("notes", ()))
    return Strategy(name=name, **{**fields, "notes": notes, "stop": tuple(fields.get("stop", ()))})


def summary() -> Note:
    """What stands in the place of rounds for which a text has no room."""
    return _note(_library()["summary"])


def partner_list() -> PartnerList:
    """The text that holds the partner's moves alone."""
    return PartnerList(**_library()["partner_list"])


def wordings() -> list[str]:
    """Names of all wordings."""
    return list(_library()["wordings"])


def strategies() -> list[str]:
    """Names of all strategies."""
    return list(_library()["strategies"])


def version() -> str:
    """The library's version, and eight hex digits of what it holds."""
    return f"{_library()['version']}-{hashlib.sha256(_text().encode()).hexdigest()[:8]}"


def _note(fields: dict[str, Any]) -> Note:
    return Note(**{**fields, "stop": tuple(fields.get("stop", ()))})


@cache
def _text() -> str:
    return files("agent_tom.prompts").joinpath("prompts.yaml").read_text(encoding="utf-8")


@cache
def _library() -> dict[str, Any]:
    return yaml.safe_load(_text())
