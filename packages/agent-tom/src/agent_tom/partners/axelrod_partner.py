"""Strategies of the ``axelrod`` library as partners."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.names import unknown
from agent_tom.partners.black_box import BlackBoxPartner


@dataclass(kw_only=True)
class AxelrodPartner(BlackBoxPartner):
    """A strategy of ``agent-tom[axelrod]`` in a game of two by two actions: action 0 is to cooperate, 1 to defect.

    It is told the number of rounds and its own payoffs, and takes those of the focal player for the same from the other
    seat. A strategy whose own numbers do not fit the payoffs plays as for those of the library, and a warning says so.
    The library is imported when an episode begins, which takes long.

    Attributes:
        strategy: Its name in the library, such as "Tit For Tat".
        reference_return: Payoff a round that good play gets against it; None if nobody knows.

    Source: Knight et al. 2016, the library, version 4.14.
    """

    name: ClassVar[str] = "axelrod"
    strategy: str
    reference_return: float | int | None = None

    def begin(self, game: MatrixGame, horizon: int, numbers: Sequence[int]) -> None:
        """Forget everything; the episodes of these numbers begin, of so many rounds.

        Raises:
            ImportError: If the library is not installed.
            ValueError: If it has no such strategy, that strategy cheats, or the game has more actions.
        """
        if game.payoffs.shape != (2, 2):
            raise ValueError(
                f"strategies of axelrod play games of 2 by 2 actions, but {game.name} has {game.num_actions} by "
                f"{game.num_partner_actions}; choose another game or another partner."
            )
        axelrod = _library()
        kind = _kind(axelrod, self.strategy)
        self._action = axelrod.Action
        self._players = [_player(axelrod, kind, game, horizon) for _ in numbers]
        self._others = [axelrod.MockPlayer() for _ in numbers]  # they hold the focal player's history, and never play
        self.num_draws = int(axelrod.Classifiers["stochastic"](self._players[0]))

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes partner_actions"]:
        if not len(self._others[0].history):
            seeds = (draws[:, 0] * 2**32).astype(np.int64) if self.num_draws else np.zeros(len(draws), dtype=np.int64)
            for player, seed in zip(self._players, seeds.tolist(), strict=True):
                player.set_seed(seed)
        pairs = zip(self._players, self._others, strict=True)
        return np.eye(2)[[player.strategy(other).value for player, other in pairs]]

    def observe(self, actions: Int[np.ndarray, " episodes"], own: Int[np.ndarray, " episodes"]) -> None:
        rows = zip(self._players, self._others, actions.tolist(), own.tolist(), strict=True)
        for player, other, focal, move in rows:
            player.update_history(self._action(move), self._action(focal))
            other.update_history(self._action(focal), self._action(move))


def _library() -> Any:
    try:
        import axelrod
    except ImportError as error:
        raise ImportError("strategies of axelrod need: pip install 'agent-tom[axelrod]'") from error
    return axelrod


def _kind(axelrod: Any, strategy: str) -> Any:
    """The class of a strategy that plays by the rules of the library's tournaments."""
    kinds = {kind.name: kind for kind in axelrod.all_strategies}
    if strategy not in kinds:
        raise unknown("strategy of axelrod", strategy, kinds)
    if kinds[strategy] in axelrod.cheating_strategies:
        raise ValueError(
            f"strategy {strategy!r} of axelrod looks into whom it meets, or changes it, which nobody can here; choose "
            "another strategy."
        )
    return kinds[strategy]


def _player(axelrod: Any, kind: Any, game: MatrixGame, horizon: int) -> Any:
    """A player that knows what it plays."""
    (reward, temptation), (sucker, punishment) = game.partner_payoffs.tolist()  # rows are the focal player's actions
    player = kind()
    try:
        player.set_match_attributes(
            length=horizon, game=axelrod.Game(r=reward, s=sucker, t=temptation, p=punishment), noise=0
        )
    except (ValueError, ZeroDivisionError):
        warnings.warn(
            f"strategy {kind.name!r} of axelrod does not fit the payoffs of {game.name}, so it plays as for those of "
            "axelrod.",
            stacklevel=4,
        )
        player = kind()
        player.set_match_attributes(length=horizon, noise=0)
    return player
