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
        rules: What is read first; ``{horizon}``, ``{options}`` and ``{other_options}`` are filled in.
        payoff: A line for each joint move, with ``{own}``, ``{other}``, ``{points}`` and ``{other_points}``.
        round: A line for each round played, with ``{round}`` (from 1) too.
        labels: Names of actions in the place of the game's own; none to keep those.
    """

    name: str
    rules: str
    payoff: str
    round: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What is asked.

    Attributes:
        name: In the library.
        predict: Leads up to the partner's next move; ``{round}`` is filled in.
        act: Leads up to the own one.
        told: What an oracle strategy says of the partner's next move, ``{other}``; empty for none.
        social: Whether the answer to ``predict`` stands in the prompt before ``act``.
        history: Whether past rounds are read.
        payoffs: Whether payoffs are.
        end: What follows an answer, and belongs to it when it is scored.
    """

    name: str
    predict: str
    act: str
    told: str = ""
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
    return Strategy(name=name, **found[name])


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


@cache
def _text() -> str:
    return files("agent_tom.prompts").joinpath("prompts.yaml").read_text(encoding="utf-8")


@cache
def _library() -> dict[str, Any]:
    return yaml.safe_load(_text())
