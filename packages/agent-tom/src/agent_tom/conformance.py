"""Checks that a partner of your own keeps the rules on which the exact optimum rests."""

from collections.abc import Sequence

import numpy as np

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.games.registry import make_game
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.partner import Partner

GAMES = ("rps", "ibs", "ipd")
HISTORIES = 10


def check_partner(partner: Partner, *, games: Sequence[MatrixGame] | None = None, horizon: int = 20) -> None:
    """Try a partner in some games, as the tests of those that ship do.

    Args:
        partner: Yours.
        games: To try it in; those of the paper if absent.
        horizon: Rounds.

    Raises:
        ValueError: Saying what is wrong and in which game: an automaton of other actions than the game's, a rule that
            is not the same when it is asked again, or one that changes with the horizon.
    """
    for game in games if games is not None else map(make_game, GAMES):
        automaton = partner.automaton(game, horizon)
        shape = (automaton.num_actions, automaton.num_partner_actions)
        if shape != game.payoffs.shape:
            raise ValueError(
                f"partner {partner.name!r} has an automaton of {shape[0]} by {shape[1]} actions, but {game.name} has "
                f"{game.num_actions} by {game.num_partner_actions}; make it of the game that is given."
            )
        if not _same(automaton, partner.automaton(game, horizon)):
            raise ValueError(
                f"partner {partner.name!r} has another automaton when it is asked again in {game.name}; draw what is "
                "random from a seed that belongs to the partner."
            )
        # A longer horizon may reach more states; what is played must not change by that.
        longer = partner.automaton(game, 2 * horizon)
        if played := _first_difference(automaton, longer, horizon):
            raise ValueError(
                f"partner {partner.name!r} plays round {played} of {game.name} otherwise when {2 * horizon} rounds are to "
                f"be played than when {horizon} are; let `horizon` bound the states alone."
            )


def _first_difference(short: Automaton, long: Automaton, horizon: int) -> int:
    """The first round (from 1) that two automata play otherwise, in histories drawn at random; 0 if there is none."""
    draws = np.random.default_rng(0)
    for _ in range(HISTORIES):
        beliefs = [short.start, long.start]
        for played in range(1, horizon + 1):
            expected = [belief @ part.action_dist for belief, part in zip(beliefs, (short, long), strict=True)]
            if not np.allclose(*expected):
                return played
            action = int(draws.integers(short.num_actions))
            own = int(draws.choice(short.num_partner_actions, p=expected[0] / expected[0].sum()))
            beliefs = [_after(part, belief, action, own) for belief, part in zip(beliefs, (short, long), strict=True)]
    return 0


def _after(automaton: Automaton, belief: np.ndarray, action: int, own: int) -> np.ndarray:
    """Chances of the states after a joint move."""
    found = np.zeros_like(belief)
    share = (belief * automaton.action_dist[:, own])[:, None] * automaton.chance[:, action, own]
    np.add.at(found, automaton.next_state[:, action, own], share)
    return found / found.sum()


def _same(one: Automaton, other: Automaton) -> bool:
    return all(
        np.array_equal(getattr(one, field), getattr(other, field))
        for field in ("start", "action_dist", "next_state", "chance")
    )
