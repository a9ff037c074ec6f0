"""All that can happen in a sequential game against a partner whose policy is known."""

from collections.abc import Callable, Hashable, Iterator

from agent_tom.adapters.sequential_game import Action, Policy, SequentialGame, State, Turn, distribution

Move = tuple[Hashable, int]
"""An information state of the focal player, and the number of the legal action taken there."""

Steps = Callable[[State, Move | None], list[tuple[float, Action, Move | None]]]
"""Of a state in which the focal player moves, and its last move: weights and actions, and the new last move."""


class TooManyStatesError(ValueError):
    """A game is larger than the number of states that may be looked at."""


def ends(game: SequentialGame, partner: Policy, most_states: int, steps: Steps) -> Iterator[tuple[Move | None, float]]:
    """The focal player's last move before each end, and what the end pays it, times all weights and chances on the way.

    Raises:
        TooManyStatesError: If there are more states than allowed.
        ValueError: If the partner's policy gives no distribution over the legal actions.
    """
    waiting: list[tuple[State, float, Move | None]] = [(game.start(), 1.0, None)]
    seen = 0
    while waiting:
        state, weight, last = waiting.pop()
        seen += 1
        if seen > most_states:
            raise TooManyStatesError(
                f"{game.name} has more than {most_states} states against this partner, so the best play is not searched; "
                "allow more by `most_states`, or give a reference policy to `sequential_regret`."
            )
        turn = game.turn(state)
        if turn == Turn.OVER:
            yield last, weight * game.returns(state)[0]
        elif turn in (Turn.FOCAL, Turn.BOTH):
            for share, action, move in steps(state, last):
                waiting += [
                    (after, weight * share * chance, move) for chance, after in _outcomes(game, partner, state, action)
                ]
        else:
            waiting += [(after, weight * chance, last) for chance, after in _outcomes(game, partner, state)]


def expected_payoff(game: SequentialGame, focal: Policy, partner: Policy, most_states: int) -> float:
    """What the focal player is paid under a policy, exactly.

    Raises:
        TooManyStatesError: If there are more states than allowed.
        ValueError: If a policy gives no distribution over the legal actions.
    """

    def steps(state: State, last: Move | None) -> list[tuple[float, Action, Move | None]]:
        shares = distribution(game, focal, state, 0).tolist()
        legal = game.legal_actions(state, 0)
        return [(share, action, None) for share, action in zip(shares, legal, strict=True) if share > 0]

    return sum(paid for _, paid in ends(game, partner, most_states, steps))


def _outcomes(game: SequentialGame, partner: Policy, state: State, action: Action = None) -> list[tuple[float, State]]:
    """Probabilities and states after a turn, whose focal move is given if there is one."""
    turn = game.turn(state)
    if turn == Turn.FOCAL:
        return [(1.0, game.next_state(state, action))]
    if turn == Turn.CHANCE:
        return [(chance, game.next_state(state, move)) for chance, move in game.chances(state) if chance > 0]
    chances = distribution(game, partner, state, 1).tolist()
    return [
        (chance, game.next_state(state, (action, move) if turn == Turn.BOTH else move))
        for chance, move in zip(chances, game.legal_actions(state, 1), strict=True)
        if chance > 0
    ]
