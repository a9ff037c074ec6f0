"""A person at the terminal, as an agent."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.agents.agent import Agent
from agent_tom.games.matrix_game import MatrixGame


class Person(Agent):
    """Asks for what the partner will do and for the own move, and says what came of it; one episode at a time.

    Args:
        ask: Puts a question and gives the answer.
        tell: Says a line.
    """

    name: ClassVar[str] = "person"
    most_episodes = 1

    def __init__(self, ask: Callable[[str], str] = input, tell: Callable[[str], None] = print):
        self._ask, self._tell = ask, tell

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        self._game, self._horizon, self._round, self._total = game, horizon, 1, 0.0
        self._tell(f"{game.name}, {horizon} rounds. A move may be typed by its name, its beginning or its number.")

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        self._tell(f"Round {self._round} of {self._horizon}")
        return self._chosen("  Your partner will choose", self._game.partner_actions)

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return self._chosen("  You choose", self._game.actions)

    def observe(
        self,
        actions: Int[np.ndarray, " episodes"],
        partner_actions: Int[np.ndarray, " episodes"],
        payoffs: Float[np.ndarray, " episodes"],
    ) -> None:
        self._round += 1
        self._total += float(payoffs[0])
        other = self._game.partner_actions[int(partner_actions[0])]
        self._tell(f"  The partner chose {other}; you get {payoffs[0]:g}, {self._total:g} so far.")

    def _chosen(self, question: str, names: Sequence[str]) -> Float[np.ndarray, "episodes choices"]:
        listed = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
        while True:
            found = _matching(self._ask(f"{question} ({listed}): ").strip(), names)
            if len(found) == 1:
                return np.eye(len(names))[found]
            self._tell(f"  Please type one of {', '.join(names)}.")


def _matching(text: str, names: Sequence[str]) -> list[int]:
    """Places of the names that a text means: by number, or by name or its beginning in upper or lower case."""
    if text.isdecimal():
        return [int(text) - 1] if 1 <= int(text) <= len(names) else []
    lowered = [name.casefold() for name in names]
    if text.casefold() in lowered:
        return [lowered.index(text.casefold())]
    return [place for place, name in enumerate(lowered) if text and name.startswith(text.casefold())]
