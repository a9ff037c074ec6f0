"""Checks that a partner of your own keeps the rules on which the exact optimum and the records rest."""

from collections.abc import Sequence

import numpy as np

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.games.registry import make_game
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.partners.partner import Partner
from agent_tom.playing.chance import Chance, drawn

GAMES = ("rps", "ibs", "ipd")
HISTORIES = 10
EPISODES = 4


def check_partner(partner: Partner, *, games: Sequence[MatrixGame] | None = None, horizon: int = 20) -> None:
    """Try a partner in some games, as the tests of those that ship do.

    Args:
        partner: Yours.
        games: To try it in; those of the paper if absent.
        horizon: Rounds.

    Raises:
        ValueError: Saying what is wrong and in which game: an automaton of other actions than the game's, a rule that
            is not the same when it is asked again, or one that changes with the horizon; of a black-box partner what is
            no distribution, or play that is not the same when it is played again, or beside other episodes.
    """
    for game in games if games is not None else map(make_game, GAMES):
        if isinstance(partner, BlackBoxPartner):
            _check_play(partner, game, horizon)
            continue
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


def _check_play(partner: BlackBoxPartner, game: MatrixGame, horizon: int) -> None:
    """Refuse a black-box partner whose play is not told by seed, episode and round alone."""
    numbers = list(range(min(EPISODES, partner.most_episodes or EPISODES)))
    first, again = _said(partner, game, horizon, numbers), _said(partner, game, horizon, numbers)
    if not np.allclose(first, again, atol=1e-3):
        raise ValueError(
            f"partner {partner.name!r} plays {game.name} otherwise when the same episodes are played again; forget "
            "everything in `begin`, and draw what is random from the numbers that `act` is given."
        )
    few = numbers[::-2]
    if not np.allclose(first[:, few], _said(partner, game, horizon, few), atol=1e-3):
        raise ValueError(
            f"partner {partner.name!r} plays {game.name} otherwise when other episodes are played beside; let a row of "
            "`act` depend on what came in its own episode alone."
        )


def _said(partner: BlackBoxPartner, game: MatrixGame, horizon: int, numbers: list[int]) -> np.ndarray:
    """Round by episode, the distributions of a partner that meets random play."""
    partner.begin(game, horizon, numbers)
    chance = Chance(0, numbers, horizon, partner_draws=partner.num_draws)
    even = np.full((len(numbers), game.num_actions), 1 / game.num_actions)
    said = []
    for played in range(horizon):
        dists = partner.act(chance.partner[:, played, 1:])
        shape = (len(numbers), game.num_partner_actions)
        if dists.shape != shape or (dists < 0).any() or not np.allclose(dists.sum(-1), 1):
            raise ValueError(
                f"partner {partner.name!r} gives no distributions in round {played + 1} of {game.name}; let `act` return "
                f"probabilities of shape {shape} that sum to 1 along the last axis."
            )
        partner.observe(drawn(even, chance.agent[:, played, 0]), drawn(dists, chance.partner[:, played, 0]))
        said.append(dists.copy())
    return np.stack(said)
